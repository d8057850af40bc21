/**
 * Limits the number of queued invocations. The count is read from the database periodically, and invocations added here
 * are counted in between. With several control planes the limit can be exceeded by invocations that the others took in
 * since the last count.
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import { countQueued } from '../db/events/pending-counts.ts';
import type { Store } from '../db/store.ts';

export type Backlog = {
  /** @throws SkerryError queue_full when the queue has no room for `room` more invocations */
  assertRoom(room: number): void;
  added(count: number): void;
  /** As last counted; `oldest` is when the oldest queued invocation was created. */
  readonly queued: number;
  readonly oldest: Date | undefined;
  /** Counts now. Rejects with `store_unavailable`. */
  refresh(): Promise<void>;
};

/** @param maxQueued the limit */
export function createBacklog(store: Store, maxQueued: number): Backlog {
  let counted: { queued: number; oldest: Date | undefined } = { queued: 0, oldest: undefined };
  let added = 0;
  return {
    assertRoom(room) {
      if (counted.queued + added + room <= maxQueued) return;
      throw new SkerryError('queue_full', `the queue is full (${maxQueued} invocations)`);
    },
    added(count) {
      added += count;
    },
    get queued() {
      return counted.queued + added;
    },
    get oldest() {
      return counted.oldest;
    },
    async refresh() {
      const before = added;
      counted = await store.read(countQueued);
      // Invocations added during the count may be in it already. Counting them twice keeps the limit.
      added -= before;
    },
  };
}
