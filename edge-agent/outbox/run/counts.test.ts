import { expect, test } from 'vitest';
import { createCounts } from './counts.ts';

test('no count goes below zero, and the totals agree with their parts', () => {
  const counts = createCounts();
  counts.add('t', 'pending', 2);
  counts.add('u', 'pending');
  counts.add('t', 'pending', -5);
  expect(counts.of('t').pending).toBe(0);
  expect(counts.totals.pending).toBe(1);
  counts.setPending(new Map([['t', 3]]));
  expect([counts.of('t').pending, counts.of('u').pending, counts.totals.pending]).toEqual([3, 0, 3]);
});
