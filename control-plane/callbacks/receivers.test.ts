/** Decides which receivers may get a callback now. */
import { beforeEach, expect, test } from 'vitest';
import { createReceivers, type Receivers } from './receivers.ts';

let time: number;
let receivers: Receivers;

beforeEach(() => {
  time = 0;
  receivers = createReceivers({ now: () => time, random: () => 0.5 });
});

test('a host has at most four callbacks at once, and takes no place from another', () => {
  const begun = Array.from({ length: 6 }, () => receivers.begin('one'));
  expect(begun).toEqual([undefined, undefined, undefined, undefined, 250, 500]);
  expect(receivers.begin('two')).toBeUndefined();
  receivers.done('one', 10);
  expect(receivers.begin('one')).toBeUndefined();
});

test('a slow host gets a pause, then one callback at a time until it is quick again', () => {
  for (let n = 0; n < 4; n += 1) receivers.begin('one');
  time = 15_000;
  for (let n = 0; n < 4; n += 1) receivers.done('one', 15_000);
  const first = receivers.begin('one') ?? 0;
  expect(first).toBeGreaterThan(9_000);
  time += first;
  expect(receivers.begin('one')).toBeUndefined();
  expect(receivers.begin('one')).toBeGreaterThan(10_000);
  time += 15_000;
  receivers.done('one', 15_000);
  expect(receivers.begin('one')).toBeGreaterThan(first);
  time += 900_000;
  expect(receivers.begin('one')).toBeUndefined();
  receivers.done('one', 20);
  expect([receivers.begin('one'), receivers.begin('one')]).toEqual([undefined, undefined]);
});

test('callbacks without a place return one after another, however many there are', () => {
  const later = Array.from({ length: 1_004 }, () => receivers.begin('one') ?? 0).slice(4);
  expect(later).toEqual(Array.from({ length: 1_000 }, (_, n) => (n + 1) * 250));
});
