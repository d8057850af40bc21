import { expect, test } from 'vitest';
import { createWindow } from './window.ts';

function afterwards(durations: readonly number[]): number {
  const window = createWindow(2);
  for (const durationUs of durations) window.ended(durationUs);
  return window.size;
}

const many = (durationUs: number) => Array<number>(200).fill(durationUs);

test('opens only when calls are short', () => {
  expect(afterwards([])).toBe(8);
  expect(afterwards([10])).toBe(8);
  expect(afterwards(many(10))).toBe(32);
  expect(afterwards(many(2_000))).toBe(8);
});

test('one call that is long, or that is ended, closes it; short calls open it again', () => {
  expect(afterwards([...many(10), 20_000])).toBe(8);
  expect(afterwards([...many(10), 0])).toBe(8);
  expect(afterwards([...many(10), 0, ...many(10)])).toBe(32);
  expect(afterwards([...many(10), 1_000])).toBe(32);
});
