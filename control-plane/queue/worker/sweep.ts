/**
 * Tidies up, in one control plane at a time: old rows are removed in small transactions, and rows without a job get
 * one.
 */
import { forgetTriggers } from '../../db/catalog/former-triggers.ts';
import { findForgotten, removeEnded } from '../../db/events/invocation-sweep.ts';
import type { Store } from '../../db/store.ts';
import { forgetLeases } from '../../leases/leases.ts';
import type { Boss } from '../jobs/boss.ts';
import { jobsFor } from '../jobs/job-payloads.ts';

export type SweeperOptions = {
  readonly store: Store;
  readonly boss: Pick<Boss, 'insert'>;
  /** How long ended invocations are stored. */
  readonly retentionMs: number;
};

const batch = 500;
/** Batches of one sweep; the next sweep goes on. */
const maxBatchesInFlight = 200;
const maxForgotten = 1_000;

/** Rejects with `store_unavailable`. */
export async function sweepInvocations({ store, boss, retentionMs }: SweeperOptions): Promise<void> {
  let from: string | undefined;
  for (let batches = 0; batches < maxBatchesInFlight; batches += 1) {
    const { count, upTo } = await store.change((orm) => removeEnded(orm, retentionMs, batch, from));
    if (count < batch) break;
    from = upTo;
  }
  await store.change((orm) => forgetTriggers(orm, retentionMs));
  await store.change(forgetLeases);
  await store.change(async (orm) => {
    const forgotten = await findForgotten(orm, maxForgotten);
    for (const [queue, jobs] of jobsFor(forgotten)) await boss.insert(orm, queue, jobs);
  });
}
