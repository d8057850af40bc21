import { beforeEach, expect, test } from 'vitest';
import { createShare, type EventShare } from './share.ts';

let stats: { queued: number; parked: number };
let inside: number;
let share: EventShare;
beforeEach(() => {
  stats = { queued: 0, parked: 0 };
  inside = 0;
  share = createShare(
    4,
    () => stats,
    () => inside,
  );
});

/** Events of this function that begin while each of them computes. */
function begin(fn: string): number {
  let begun = 0;
  while (share.mayStart(fn) && begun < 100) {
    share.started(fn);
    inside += 1;
    begun += 1;
  }
  return begun;
}
const learn = (fn: string, durationUs: number) => {
  for (let n = 0; n < 100; n++) {
    share.started(fn);
    share.ended(fn, durationUs);
  }
};

test('events of a slow function leave a thread free', () => {
  learn('slow', 2_000_000);
  expect(begin('slow')).toBe(3);
});

test('an unknown function counts as slow', () => {
  expect(begin('new')).toBe(3);
});

test('events of a quick function go in batches, and in smaller ones while others wait', () => {
  learn('quick', 50);
  expect(begin('quick')).toBe(32);
  stats.queued = 5;
  inside += 5;
  for (let n = 0; n < 29; n++) share.ended('quick', 50);
  inside -= 29;
  expect(share.mayStart('quick')).toBe(true);
  share.started('quick');
  inside += 1;
  expect(share.mayStart('quick')).toBe(false);
});

test('waiting events hold no thread', () => {
  learn('slow', 2_000_000);
  begin('slow');
  stats = { queued: 0, parked: 3 };
  expect(share.mayStart('slow')).toBe(true);
});

test('one event may always run, regardless of other load', () => {
  stats = { queued: 900, parked: 0 };
  inside = 904;
  expect(begin('slow')).toBe(1);
});
