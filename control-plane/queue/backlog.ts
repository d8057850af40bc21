/**
 * The number of queued invocations: counted in the database periodically, with local additions in between. With several
 * control planes the bound may be exceeded by additions of the others since the last count.
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import { count, eq, min } from 'drizzle-orm';
import { invocations } from '../db/schema/events.ts';
import type { Store } from '../db/store.ts';

export type Backlog = {
  /** @throws SkerryError queue_full when this number of further invocations would be too many */
  assertRoom(room: number): void;
  added(count: number): void;
  /** As last counted; `oldest` is when the oldest queued one was made. */
  readonly queued: number;
  readonly oldest: Date | undefined;
  /** Counts now. Rejects with `store_unavailable`. */
  refresh(): Promise<void>;
};

/** @param max queued invocations */
export function createBacklog(store: Store, most: number): Backlog {
  let counted: { queued: number; oldest: Date | undefined } = { queued: 0, oldest: undefined };
  let added = 0;
  return {
    assertRoom(room) {
      if (counted.queued + added + room <= most) return;
      throw new SkerryError('queue_full', `the queue is full (${most} invocations)`);
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
      const [row] = await store.read((orm) =>
        orm
          .select({
            queued: count(),
            oldest: min(invocations.createdAt),
          })
          .from(invocations)
          .where(eq(invocations.state, 'queued')),
      );
      counted = { queued: row?.queued ?? 0, oldest: row?.oldest ?? undefined };
      // Additions during a count may be in it already: too many is better than too few.
      added -= before;
    },
  };
}
