import { expect, test } from 'vitest';
import { createLogLimit } from './log-limit.ts';

test('passes the lines of one second at once, then at the given rate', () => {
  let time = 0;
  const limit = createLogLimit(10_000, () => time);
  const passed = (bytes: number) => {
    let count = 0;
    while (limit.take(bytes)) count += 1;
    return count;
  };
  expect(passed(968)).toBe(10);
  expect(limit.takeDropped()).toBe(1);
  expect(limit.takeDropped()).toBe(0);
  time += 500;
  expect(passed(968)).toBe(5);
  time += 3_600_000;
  expect(passed(968)).toBe(10);
});

test('counts empty lines as well', () => {
  const limit = createLogLimit(16_384, () => 0);
  let count = 0;
  while (limit.take(0)) count += 1;
  expect(count).toBe(512);
});

test('a small rate still lets the longest line through, and a rate of 0 lets no line through', () => {
  expect(createLogLimit(100, () => 0).take(4_096)).toBe(true);
  const none = createLogLimit(0, () => 0);
  expect(none.take(0)).toBe(false);
  expect(none.takeDropped()).toBe(1);
});
