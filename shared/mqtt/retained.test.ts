import { expect, test } from 'vitest';
import { subscriptionFor } from './retained.ts';

const of = (retained: 'all' | 'first' | 'none', version: '3.1.1' | '5', granted: boolean, present: boolean) =>
  subscriptionFor({ retained, version }, granted, present);

test('first: those of the first subscription, and of none after it', () => {
  expect(of('first', '3.1.1', false, false)).toEqual({ send: true, rh: 1, leaveOut: false });
  expect(of('first', '3.1.1', true, false)).toEqual({ send: true, rh: 2, leaveOut: true });
  expect(of('first', '5', true, false)).toEqual({ send: true, rh: 2, leaveOut: false });
});

test('first, with a session from an earlier process: it counts as subscribed', () => {
  expect(of('first', '3.1.1', false, true)).toEqual({ send: true, rh: 1, leaveOut: true });
  expect(of('first', '5', false, true)).toEqual({ send: true, rh: 1, leaveOut: false });
});

test('a session that goes on is not subscribed again, and what it still has comes', () => {
  expect(of('first', '3.1.1', true, true)).toEqual({ send: false, rh: 2, leaveOut: false });
  expect(of('all', '5', true, true)).toEqual({ send: false, rh: 0, leaveOut: false });
});

test('all and none', () => {
  for (const version of ['3.1.1', '5'] as const) {
    expect(of('all', version, true, false)).toEqual({ send: true, rh: 0, leaveOut: false });
    expect(of('none', version, false, false)).toEqual({ send: true, rh: 2, leaveOut: true });
  }
});
