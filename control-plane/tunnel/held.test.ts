import { expect, test } from 'vitest';
import { createHeldFunctions } from './held.ts';

test('the remaining time runs down, and the next status replaces all', () => {
  let now = 1_000;
  const held = createHeldFunctions(() => now);
  expect(held.retryInMs('f')).toBeUndefined();
  held.update([{ function: 'f', retryInMs: 300 }]);
  now += 100;
  expect(held.retryInMs('f')).toBe(200);
  now += 1_000;
  expect(held.retryInMs('f')).toBe(0);
  held.update([{ function: 'g', retryInMs: 5 }]);
  expect([held.retryInMs('f'), held.retryInMs('g')]).toEqual([undefined, 5]);
  held.update(undefined);
  expect(held.retryInMs('g')).toBeUndefined();
});
