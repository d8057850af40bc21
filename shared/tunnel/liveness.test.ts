import { expect, test } from 'vitest';
import { createLiveness, missesAllowed } from './liveness.ts';

test('a peer is dead after the allowed misses, and a frame starts the count over', () => {
  const liveness = createLiveness();
  for (let n = 1; n <= missesAllowed; n++) expect(liveness.tick()).toBe(n);
  liveness.heard();
  for (let n = 0; n < missesAllowed; n++) expect(liveness.tick()).not.toBe('dead');
  expect(liveness.tick()).toBe('dead');
});
