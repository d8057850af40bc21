/**
 * pg-boss on our own database: the queues in which it stands when something is to be looked at. What is to be done is in
 * our own tables; a job that is lost or comes twice costs a look.
 *
 * Invariants: a database that is away shows as errors in the log and in the calls that need it, never as the end of the
 * process; nothing here holds a connection while it waits.
 */
import { sql } from 'drizzle-orm';
import { type Db, fromDrizzle, type JobInsert, PgBoss, type QueueOptions, type QueuePolicy } from 'pg-boss';
import type { Orm, Store } from '../../db/store.ts';
import type { Logger } from '../../log/log.ts';

/** The queues, and what a job in each asks for. */
export const queues = {
  /** Invocations of one trigger, which run in turn. */
  lanes: { policy: 'short' },
  /** One invocation. */
  invocations: { policy: 'standard' },
  /** One callback. */
  callbacks: { policy: 'standard' },
  /** Removing what is old. */
  sweeps: { policy: 'standard' },
} as const satisfies Record<string, { readonly policy: QueuePolicy }>;
export type QueueName = keyof typeof queues;

/** A job as it was fetched; with it, settling touches this attempt and no later one. */
export type Job = { readonly id: string; readonly retryCount: number; readonly data: unknown };

export type Boss = {
  /** Within the given transaction. Of several jobs with one key in a queue of policy `short`, one waits. */
  insert(orm: Orm, queue: QueueName, jobs: readonly JobInsert[]): Promise<void>;
  /** One job for each span of `seconds`, whoever asks for it. Rejects when the database is away. */
  once(queue: QueueName, seconds: number): Promise<void>;
  fetch(queue: QueueName, batchSize: number): Promise<Job[]>;
  /** Says that somebody still works on these, and which of them are still ours. */
  touch(queue: QueueName, jobs: readonly Job[]): Promise<readonly Job[]>;
  complete(orm: Orm, queue: QueueName, jobs: readonly Job[]): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
};

/** How long a job may be without a word of who works on it, in seconds; pg-boss has no less. */
const heartbeatSeconds = 10;
/** How often what has no heartbeat any more is looked for. */
const superviseSeconds = 5;
/** Who works on a job longer than this gives it back; pg-boss would take it away. */
export const longestJobSeconds = 3 * 3_600;

const queueOptions: QueueOptions = {
  heartbeatSeconds,
  expireInSeconds: 2 * longestJobSeconds,
  // Taken away from who died, it is there again at once, however often that happens.
  retryLimit: 1_000_000,
  retryDelay: 0,
  retentionSeconds: 10 * 365 * 86_400,
  deleteAfterSeconds: 60,
};

/** Key of the advisory lock under which pg-boss starts: "skerry" in ASCII, and one more than that of migrations. */
const startLock = 0x736b_6572_727a;
/** Id of no job. */
const nobody = '00000000-0000-0000-0000-000000000000';

/** @throws SkerryError store_unavailable, or the error of pg-boss' own migrations */
export async function openBoss(store: Store, log: Logger, embedded: boolean): Promise<Boss> {
  const db: Db = { executeSql: async (text, values) => ({ rows: await store.execute(text, values) }) };
  const boss = new PgBoss({
    db,
    backend: embedded ? 'pglite' : 'postgres',
    schema: 'pgboss',
    schedule: false,
    superviseIntervalSeconds: superviseSeconds,
    monitorIntervalSeconds: superviseSeconds,
    maintenanceIntervalSeconds: 60,
    // Neither dependent jobs nor indexes that are built in the background are in use.
    flowIntervalSeconds: 3_600,
    bamIntervalSeconds: 3_600,
    queueCacheIntervalSeconds: 3_600,
    monitorVacuum: false,
    reindex: !embedded,
  });
  boss.on('error', (error) => log.warn({ reason: error.message }, 'the job queue could not do its upkeep'));
  boss.on('warning', ({ message }) => log.debug({ message }, 'the job queue warns'));
  const start = async () => {
    await boss.start();
    for (const [name, { policy }] of Object.entries(queues)) await boss.createQueue(name, { policy, ...queueOptions });
    // Known from now on: a look-up within a transaction would wait for the one connection that PGlite has.
    for (const name of Object.keys(queues)) await boss.touch(name, nobody);
  };
  try {
    // pg-boss' own locks do not keep two that make its schema at once from each other.
    if (embedded) {
      await start();
      // Nobody else has this database: whoever held a job is dead, and need not be waited for.
      await store.execute(`update pgboss.job set heartbeat_on = 'epoch' where state = 'active'`, undefined);
    } else {
      await store.change(async (orm) => {
        await orm.execute(sql`select pg_advisory_xact_lock(${startLock})`);
        await start();
      });
    }
  } catch (error) {
    await boss.stop({ graceful: false }).catch(() => undefined);
    throw error;
  }
  // All three drivers' results have rows; Drizzle's type of any driver cannot say so.
  const within = (orm: Orm) => ({ db: fromDrizzle(orm as Orm & Parameters<typeof fromDrizzle>[0], sql) });
  return {
    async insert(orm, queue, jobs) {
      if (jobs.length > 0) await boss.insert(queue, [...jobs], within(orm));
    },
    async once(queue, seconds) {
      await boss.send(queue, {}, { singletonSeconds: seconds });
    },
    fetch: (queue, batchSize) =>
      boss.fetch(queue, { batchSize, ...(queues[queue].policy === 'short' && { groupConcurrency: 1 }) }),
    async touch(queue, jobs) {
      if (jobs.length === 0 || (await affected(boss.touch(queue, [...jobs]))) === jobs.length) return jobs;
      const ours: Job[] = [];
      for (const job of jobs) if ((await affected(boss.touch(queue, [job]))) === 1) ours.push(job);
      return ours;
    },
    async complete(orm, queue, jobs) {
      if (jobs.length > 0) await boss.complete(queue, [...jobs], undefined, within(orm));
    },
    close: () => boss.stop({ graceful: false }),
  };
}

/** Its type does not say that it has the count. */
async function affected(response: Promise<object>): Promise<number> {
  return ((await response) as { readonly affected: number }).affected;
}
