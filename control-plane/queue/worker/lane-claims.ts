/**
 * Claims for one lane. Before the first claim, and after one whose answer did not come, nobody knows what is marked as
 * running and in nobody's hands: then all of that waits again first, in the same transaction. So a claim that was
 * committed, and whose answer was lost, is made once more, with nothing overtaken.
 */
import { type Claimed, claimNext, reclaimLane } from '../../db/events/claims.ts';
import { whileAway } from '../../db/patience.ts';
import type { Store } from '../../db/store.ts';
import type { InProgress } from '../in-progress.ts';

/**
 * The next ones that wait, oldest first, `limit` and so many bytes of inputs at most. Waits for a database that is away.
 * @param held that are in the lane's hands
 */
export type ClaimNext = (held: readonly string[], limit: number, bytes: number) => Promise<readonly Claimed[]>;

export type LaneClaimsOptions = {
  readonly store: Pick<Store, 'change'>;
  readonly trigger: string;
  readonly inProgress: Pick<InProgress, 'ids'>;
  /** Whether the lane's job is still held here. */
  readonly ours: () => Promise<boolean>;
  /** From then on a database that is away is not waited for: rejects with `store_unavailable`. */
  readonly signal: AbortSignal;
};

export function createLaneClaims({ store, trigger, inProgress, ours, signal }: LaneClaimsOptions): ClaimNext {
  let last: 'none' | 'answered' | 'lost' = 'none';
  return (held, limit, bytes) =>
    whileAway(async () => {
      // Others may have the lane by now, and what they have claimed runs.
      if (last === 'lost' && !(await ours())) return [];
      const certain = last === 'answered';
      last = 'lost';
      const rows = await store.change(async (orm) => {
        // One that has rested is the lane's a moment before it is in hand again.
        if (!certain) await reclaimLane(orm, trigger, [...inProgress.ids, ...held]);
        return claimNext(orm, trigger, held, limit, bytes);
      });
      last = 'answered';
      return rows;
    }, signal);
}
