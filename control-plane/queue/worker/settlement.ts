/**
 * Writes the results of invocations and jobs to the database: results that arrive together share one transaction. While
 * the database is away it waits, so that no outcome is lost. Meanwhile the functions' results stay in memory, at most
 * one for each invocation that may run at once.
 */
import type { JobInsert } from 'pg-boss';
import { createCoalescer } from '../../async/coalesce.ts';
import { type Rested, rest } from '../../db/events/claims.ts';
import { whileAway } from '../../db/patience.ts';
import type { Store } from '../../db/store.ts';
import type { Logger } from '../../log/log.ts';
import type { EndedInvocation } from '../../model/invocation.ts';
import type { Boss, Job, QueueName } from '../jobs/boss.ts';
import type { Invocations } from '../queue.ts';

/** The results of one invocation or one job, written together or not at all. */
export type InvocationSettlement = {
  readonly ended?: EndedInvocation;
  readonly rested?: Rested;
  /** The job is finished. */
  readonly done?: { readonly queue: QueueName; readonly job: Job };
  /** A new job that asks for it later. */
  readonly again?: { readonly queue: QueueName; readonly job: JobInsert };
};

/** Rejects when the database refuses it, and with `store_unavailable` when it is away until the end. */
export type Settle = (settlement: InvocationSettlement) => Promise<void>;

type SettlingOptions = {
  readonly store: Store;
  readonly boss: Pick<Boss, 'insert' | 'complete'>;
  readonly invocations: Pick<Invocations, 'recordWithin'>;
  readonly log: Logger;
  /** Called for each invocation that has to wait for another attempt. */
  readonly onRest: () => void;
  /** From then on a database that is away is not waited for. */
  readonly signal: AbortSignal;
};

type Failure = { readonly error: unknown } | undefined;

const maxTogether = 256;

export function createSettling({ store, boss, invocations, log, signal, onRest }: SettlingOptions): Settle {
  const write = async (settlements: readonly InvocationSettlement[]) => {
    const tell = await store.change(async (orm) => {
      const told = await invocations.recordWithin(
        orm,
        settlements.flatMap(({ ended }) => ended ?? []),
      );
      const waiting = await rest(
        orm,
        settlements.flatMap(({ rested }) => rested ?? []),
      );
      const jobs = settlements.flatMap(({ done }) => done ?? []);
      for (const [queue, some] of Map.groupBy(jobs, (one) => one.queue)) {
        await boss.complete(
          orm,
          queue,
          some.map(({ job }) => job),
        );
      }
      // An invocation that was cancelled and replayed meanwhile already has a new job, and so has one that is settled
      // once more because the answer was lost.
      const next = settlements.flatMap(({ rested, again }) =>
        again && (!rested || waiting.has(rested.id)) ? [again] : [],
      );
      for (const [queue, some] of Map.groupBy(next, (one) => one.queue)) {
        await boss.insert(
          orm,
          queue,
          some.map(({ job }) => job),
        );
      }
      return told;
    });
    tell();
  };

  /** Alone, after the others went on without it: an outcome that cannot be stored is reported as such. */
  const writeAlone = async (one: InvocationSettlement): Promise<Failure> => {
    try {
      await whileAway(() => write([one]), signal);
      return undefined;
    } catch (error) {
      if (!one.ended || signal.aborted) return { error };
      log.error({ err: error, invocation: one.ended.id }, 'outcome refused by the database; it is stored as a failure');
      const result = { ok: false, code: 'internal', message: 'the outcome could not be stored' } as const;
      return whileAway(() => write([{ ...one, ended: { ...one.ended, result } as EndedInvocation }]), signal).then(
        () => undefined,
        (cause: unknown) => ({ error: cause }),
      );
    }
  };

  const settle = createCoalescer<InvocationSettlement, Failure>(maxTogether, async (some) => {
    try {
      await whileAway(() => write(some), signal);
      return some.map(() => undefined);
    } catch {
      const results: Failure[] = [];
      for (const one of some) results.push(await writeAlone(one));
      return results;
    }
  });
  return async (settlement) => {
    const failed = await settle(settlement);
    if (settlement.rested?.error) onRest();
    if (failed) throw failed.error;
  };
}
