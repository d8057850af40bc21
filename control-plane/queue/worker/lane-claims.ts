/**
 * Claims for one lane. Before the first claim, and after one whose answer was lost, it is unknown which rows are marked
 * as running without a holder. Then all of those return to the queue first, in the same transaction. So a claim that
 * was committed, and whose answer was lost, is made once more, without any row being overtaken.
 */
import { type Claimed, claimNext, reclaimLane } from '../../db/events/claims.ts';
import { whileAway } from '../../db/patience.ts';
import type { Store } from '../../db/store.ts';
import type { InProgress } from '../in-progress.ts';

/**
 * The next waiting rows, oldest first, at most `limit` and this many bytes of inputs. Waits for a database that is
 * away.
 * @param held ids that the lane already has
 */
export type ClaimNext = (held: readonly string[], limit: number, bytes: number) => Promise<readonly Claimed[]>;

type LaneClaimsOptions = {
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
      // Another control plane may have the lane by now, and its claimed rows run.
      if (last === 'lost' && !(await ours())) return [];
      const certain = last === 'answered';
      last = 'lost';
      const rows = await store.change(async (orm) => {
        // A row after its delay belongs to the lane a moment before it is held again.
        if (!certain) await reclaimLane(orm, trigger, [...inProgress.ids, ...held]);
        return claimNext(orm, trigger, held, limit, bytes);
      });
      last = 'answered';
      return rows;
    }, signal);
}
