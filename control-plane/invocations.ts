/**
 * Invocations that are kept: taken in to be run later, and their outcomes on their way to whoever wants them.
 *
 * Invariants: what is promised is on disk first; a row in `invocations` is the truth, a job only says when to look at
 * it, and both are written in one transaction; an outcome and its deliveries likewise.
 */
import { randomUUIDv7 } from 'node:crypto';
import { and, count, eq, inArray } from 'drizzle-orm';
import type { Backlog } from './backlog.ts';
import { insertQueued } from './db/enqueuing.ts';
import { type InvocationState, invocations } from './db/events-schema.ts';
import { recordEnded } from './db/recording.ts';
import type { Orm, Store } from './db/store.ts';
import type { Boss } from './jobs/boss.ts';
import { jobsFor } from './jobs/wanted.ts';
import type { EndedInvocation, KeptInvocations, NewInvocation } from './kept.ts';

export type Invocations = KeptInvocations & {
  /** As `record`, within a transaction of the caller's; what it returns is called after the commit. */
  recordWithin(orm: Orm, ended: readonly EndedInvocation[]): Promise<() => void>;
  /** Recorded here since the start, by state. */
  readonly ended: Readonly<Partial<Record<InvocationState, number>>>;
  /** Calls back after outcomes were recorded, with the sinks that have something new; returns the way to stop it. */
  onRecorded(listener: (sinkIds: ReadonlySet<string>) => void): () => void;
  /** Calls back after invocations (with their triggers) or callbacks were put in here; returns the way to stop it. */
  onEnqueued(listener: (triggers: readonly string[]) => void): () => void;
  /** Tells those listeners of what was put in otherwise. */
  tellEnqueued(triggers: readonly string[]): void;
};

export type InvocationsOptions = {
  readonly store: Store;
  readonly boss: Pick<Boss, 'insert'>;
  readonly backlog: Pick<Backlog, 'need' | 'added'>;
};

export function createInvocations({ store, boss, backlog }: InvocationsOptions): Invocations {
  const recorded = new Set<(sinkIds: ReadonlySet<string>) => void>();
  const ended: Partial<Record<InvocationState, number>> = {};
  const enqueued = new Set<(triggers: readonly string[]) => void>();
  const tellEnqueued = (triggers: readonly string[]) => {
    for (const listener of enqueued) listener(triggers);
  };

  const recordWithin = async (orm: Orm, outcomes: readonly EndedInvocation[]) => {
    const { sinkIds, callbacks, states } = await recordEnded(orm, outcomes);
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

  return {
    async enqueue(requests: readonly NewInvocation[]) {
      if (requests.length === 0) return [];
      backlog.need(requests.length);
      const named = requests.map((request) => ({ ...request, id: request.id ?? randomUUIDv7() }));
      const { kept, fresh } = await store.change(async (orm) => {
        const rows = await insertQueued(orm, named);
        const some = named.filter((_, index) => rows[index]?.known === false);
        for (const [queue, jobs] of jobsFor(some)) await boss.insert(orm, queue, jobs);
        return { kept: rows, fresh: some };
      });
      backlog.added(fresh.length);
      if (fresh.length > 0) tellEnqueued([...new Set(fresh.flatMap(({ triggerId }) => triggerId ?? []))]);
      return kept;
    },
    async record(outcomes) {
      if (outcomes.length === 0) return;
      const tell = await store.change((orm) => recordWithin(orm, outcomes));
      tell();
    },
    recordWithin,
    ended,
    async pendingOf(triggerId) {
      const [row] = await store.read((orm) =>
        orm
          .select({ pending: count() })
          .from(invocations)
          .where(and(eq(invocations.triggerId, triggerId), inArray(invocations.state, ['queued', 'running']))),
      );
      return row?.pending ?? 0;
    },
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
