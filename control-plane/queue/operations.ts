/** Operations of users on stored invocations: read, list, cancel, replay. */
import { SkerryError } from '@skerry/shared/errors.ts';
import { cancelInvocation, replayInvocation } from '../db/events/invocation-changes.ts';
import {
  type DeliveryRow,
  findInvocation,
  type InvocationFilter,
  type InvocationRow,
  listInvocations,
  readDeliveries,
  type WholeInvocation,
} from '../db/events/invocation-reading.ts';
import { isUuid } from '../db/ids.ts';
import type { Store } from '../db/store.ts';
import type { InProgress } from './in-progress.ts';
import type { Boss } from './jobs/boss.ts';
import { jobsFor } from './jobs/job-payloads.ts';
import type { Invocations } from './queue.ts';

export type InvocationOperations = {
  /** @throws SkerryError not_found, store_unavailable. The methods below throw the same. */
  get(id: string): Promise<{ readonly row: WholeInvocation; readonly deliveries: readonly DeliveryRow[] }>;
  list(filter: InvocationFilter): Promise<readonly InvocationRow[]>;
  /**
   * Ends a waiting invocation at once, and a running one: here its agent gets a cancel at once, elsewhere within
   * seconds.
   * @throws SkerryError conflict when it has ended
   */
  cancel(id: string): Promise<void>;
  /** @throws SkerryError conflict when it is neither dead nor cancelled */
  replay(id: string): Promise<void>;
};

type InvocationOperationsOptions = {
  readonly store: Store;
  readonly boss: Pick<Boss, 'insert'>;
  readonly invocations: Pick<Invocations, 'tellEnqueued'>;
  readonly inProgress: Pick<InProgress, 'cancel'>;
};

export function createInvocationOperations({
  store,
  boss,
  invocations,
  inProgress,
}: InvocationOperationsOptions): InvocationOperations {
  const known = (id: string) => {
    if (!isUuid(id)) throw new SkerryError('not_found', `There is no invocation "${id}"`);
  };
  return {
    async get(id) {
      known(id);
      return store.read(async (orm) => {
        const row = await findInvocation(orm, id);
        if (!row) throw new SkerryError('not_found', `There is no invocation "${id}"`);
        return { row, deliveries: await readDeliveries(orm, id) };
      });
    },
    list: (filter) => store.read((orm) => listInvocations(orm, filter)),
    async cancel(id) {
      known(id);
      const { callback } = await store.change(async (orm) => {
        const cancelled = await cancelInvocation(orm, id);
        if (cancelled.callback) await boss.insert(orm, 'callbacks', [{ data: { id } }]);
        return cancelled;
      });
      inProgress.cancel(id);
      if (callback) invocations.tellEnqueued([]);
    },
    async replay(id) {
      known(id);
      const row = await store.change(async (orm) => {
        const replayed = await replayInvocation(orm, id);
        for (const [queue, jobs] of jobsFor([replayed])) await boss.insert(orm, queue, jobs);
        return replayed;
      });
      invocations.tellEnqueued(row.triggerId === null ? [] : [row.triggerId]);
    },
  };
}
