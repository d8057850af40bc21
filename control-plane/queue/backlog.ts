/**
 * How much waits: counted in the database now and then, and in between by what is added here. With several control
 * planes the bound may so be passed by what the others took in since the last count.
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import { count, eq, min } from 'drizzle-orm';
import { invocations } from '../db/schema/events.ts';
import type { Store } from '../db/store.ts';

export type Backlog = {
  /** @throws SkerryError queue_full when so many more would be too many */
  assertRoom(room: number): void;
  added(count: number): void;
  /** As last counted; `oldest` is when the oldest that waits was made. */
  readonly queued: number;
  readonly oldest: Date | undefined;
  /** Counts now. Rejects with `store_unavailable`. */
  refresh(): Promise<void>;
};

/** @param most that may wait */
export function createBacklog(store: Store, most: number): Backlog {
  let counted: { queued: number; oldest: Date | undefined } = { queued: 0, oldest: undefined };
  let added = 0;
  return {
    assertRoom(room) {
      if (counted.queued + added + room <= most) return;
      throw new SkerryError('queue_full', `${most} invocations are waiting, which is as many as may wait`);
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
      // What was added while it was being counted may be in the count already: rather too many than too few.
      added -= before;
    },
  };
}
