import { expect, test } from 'vitest';
import { backoffDelay } from './backoff.ts';

const options = { baseMs: 100, capMs: 1_000 };

test('the ceiling doubles up to the cap, and jitter spreads delays below it', () => {
  expect([1, 2, 3, 4, 5, 50].map((attempt) => backoffDelay(attempt, 1, 0, options))).toEqual([
    100, 200, 400, 800, 1_000, 1_000,
  ]);
  expect(backoffDelay(3, 0, 0, options)).toBe(0);
  expect(backoffDelay(3, 0.5, 0, options)).toBe(200);
});

test('the jitter is added to the floor', () => {
  expect(backoffDelay(1, 0, 5_000, options)).toBe(5_000);
  expect(backoffDelay(1, 1, 5_000, options)).toBe(5_100);
});
