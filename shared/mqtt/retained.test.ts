import { expect, test } from 'vitest';
import { planSubscription } from './retained.ts';

const plan = (retained: 'all' | 'first' | 'none', version: '3.1.1' | '5', granted: boolean, present: boolean) =>
  planSubscription({ retained, version }, granted, present);

test('first: the first subscription gets retained messages, later ones do not', () => {
  expect(plan('first', '3.1.1', false, false)).toEqual({ send: true, rh: 1, ignoreRetained: false });
  expect(plan('first', '3.1.1', true, false)).toEqual({ send: true, rh: 2, ignoreRetained: true });
  expect(plan('first', '5', true, false)).toEqual({ send: true, rh: 2, ignoreRetained: false });
});

test('first: a session from an earlier process counts as subscribed', () => {
  expect(plan('first', '3.1.1', false, true)).toEqual({ send: true, rh: 1, ignoreRetained: true });
  expect(plan('first', '5', false, true)).toEqual({ send: true, rh: 1, ignoreRetained: false });
});

test('a resumed session is not subscribed again, and its retained messages are delivered', () => {
  expect(plan('first', '3.1.1', true, true)).toEqual({ send: false, rh: 2, ignoreRetained: false });
  expect(plan('all', '5', true, true)).toEqual({ send: false, rh: 0, ignoreRetained: false });
});

test('all gives retained messages to every subscription, and none to no subscription', () => {
  for (const version of ['3.1.1', '5'] as const) {
    expect(plan('all', version, true, false)).toEqual({ send: true, rh: 0, ignoreRetained: false });
    expect(plan('none', version, false, false)).toEqual({ send: true, rh: 2, ignoreRetained: true });
  }
});
