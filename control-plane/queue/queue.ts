/**
 * The queue: takes in invocations to run later, and records outcomes with their deliveries to sinks and callbacks.
 *
 * Invariants:
 * - An invocation is on disk before a caller gets a promise.
 * - The row in `invocations` is the truth. A job only says when to look at the row. One transaction writes both.
 * - One transaction writes an outcome and its deliveries.
 */
import { randomUUIDv7 } from 'node:crypto';
import { insertQueued } from '../db/events/enqueue.ts';
import { countPendingOfTrigger } from '../db/events/pending-counts.ts';
import { recordEnded } from '../db/events/record.ts';
import type { Orm, Store } from '../db/store.ts';
import type { EndedInvocation, KeptInvocations, NewInvocation } from '../model/invocation.ts';
import type { InvocationState } from '../model/origin.ts';
import type { SinkCapacity } from '../sinks/capacity.ts';
import type { Backlog } from './backlog.ts';
import type { Boss } from './jobs/boss.ts';
import { jobsFor } from './jobs/job-payloads.ts';

export type Invocations = KeptInvocations & {
  /** As `record`, within the caller's transaction. The caller calls the returned function after the commit. */
  recordWithin(orm: Orm, ended: readonly EndedInvocation[]): Promise<() => void>;
  /** As `enqueue`, within the caller's transaction. The caller calls `tell` after the commit. */
  enqueueWithin(orm: Orm, requests: readonly NewInvocation[]): Promise<Taken>;
  /** As `record`, for outcomes without a promise of delivery: full sinks get none of them. */
  recordUnpromised(ended: readonly EndedInvocation[]): Promise<void>;
  /** Outcomes that this control plane recorded since its start, by state. */
  readonly ended: Readonly<Partial<Record<InvocationState, number>>>;
  /** Calls back after outcomes were recorded, with the sinks that have new deliveries. Returns the unsubscriber. */
  onRecorded(listener: (sinkIds: ReadonlySet<string>) => void): () => void;
  /** Calls back after invocations (with their triggers) or callbacks were enqueued here. Returns the unsubscriber. */
  onEnqueued(listener: (triggers: readonly string[]) => void): () => void;
  /** Calls those listeners after another part has enqueued invocations. */
  tellEnqueued(triggers: readonly string[]): void;
};

/** The result of each request, in the order of the requests. */
export type Taken = {
  readonly kept: readonly { readonly id: string; readonly known: boolean }[];
  tell(): void;
};

type InvocationsOptions = {
  readonly store: Store;
  readonly boss: Pick<Boss, 'insert'>;
  readonly backlog: Pick<Backlog, 'assertRoom' | 'added'>;
  readonly sinkCapacity: Pick<SinkCapacity, 'assertAvailable' | 'full'>;
};

export function createInvocations({ store, boss, backlog, sinkCapacity }: InvocationsOptions): Invocations {
  const recorded = new Set<(sinkIds: ReadonlySet<string>) => void>();
  const ended: Partial<Record<InvocationState, number>> = {};
  const enqueued = new Set<(triggers: readonly string[]) => void>();
  const tellEnqueued = (triggers: readonly string[]) => {
    for (const listener of enqueued) listener(triggers);
  };

  const recordWithin = async (orm: Orm, outcomes: readonly EndedInvocation[], without?: ReadonlySet<string>) => {
    const { sinkIds, callbacks, states } = await recordEnded(orm, outcomes, without);
    await boss.insert(
      orm,
      'callbacks',
      callbacks.map((id) => ({ data: { id } })),
    );
    return () => {
      for (const [state, count] of states) ended[state] = (ended[state] ?? 0) + count;
      if (sinkIds.size > 0) for (const listener of recorded) listener(sinkIds);
      if (callbacks.length > 0) tellEnqueued([]);
    };
  };

  const assertRoom = (requests: readonly NewInvocation[]) => {
    backlog.assertRoom(requests.length);
    for (const fn of new Set(requests.map((request) => request.function))) sinkCapacity.assertAvailable(fn);
  };

  const enqueueWithin = async (orm: Orm, requests: readonly NewInvocation[]): Promise<Taken> => {
    assertRoom(requests);
    const named = requests.map((request) => ({ ...request, id: request.id ?? randomUUIDv7() }));
    const kept = await insertQueued(orm, named);
    const fresh = named.filter((_, index) => kept[index]?.known === false);
    for (const [queue, jobs] of jobsFor(fresh)) await boss.insert(orm, queue, jobs);
    return {
      kept,
      tell() {
        backlog.added(fresh.length);
        if (fresh.length > 0) tellEnqueued([...new Set(fresh.flatMap(({ triggerId }) => triggerId ?? []))]);
      },
    };
  };

  const recordExcept = async (outcomes: readonly EndedInvocation[], without?: ReadonlySet<string>) => {
    if (outcomes.length === 0) return;
    const tell = await store.change((orm) => recordWithin(orm, outcomes, without));
    tell();
  };

  return {
    async enqueue(requests: readonly NewInvocation[]) {
      if (requests.length === 0) return [];
      // Checked before the transaction: a refused request costs none.
      assertRoom(requests);
      const { kept, tell } = await store.change((orm) => enqueueWithin(orm, requests));
      tell();
      return kept;
    },
    enqueueWithin,
    record: (outcomes) => recordExcept(outcomes),
    recordUnpromised: (outcomes) => recordExcept(outcomes, sinkCapacity.full),
    recordWithin: (orm, outcomes) => recordWithin(orm, outcomes),
    ended,
    countPending: (triggerId) => store.read((orm) => countPendingOfTrigger(orm, triggerId)),
    onRecorded(listener) {
      recorded.add(listener);
      return () => recorded.delete(listener);
    },
    onEnqueued(listener) {
      enqueued.add(listener);
      return () => enqueued.delete(listener);
    },
    tellEnqueued,
  };
}
