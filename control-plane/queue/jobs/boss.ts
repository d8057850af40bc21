/**
 * pg-boss on our own database: its queues say when to look at something. The work itself is in our own tables, so a job
 * that is lost or comes twice costs a look.
 *
 * Invariants: a database that is away shows as errors in the log and in the calls that need it, never as the end of the
 * process. Nothing here holds a connection while it waits.
 */
import { sql } from 'drizzle-orm';
import { type Db, fromDrizzle, type JobInsert, PgBoss, type QueueOptions, type QueuePolicy } from 'pg-boss';
import type { Orm, Store } from '../../db/store.ts';
import type { Logger } from '../../log/log.ts';

/** The queues, and the subject of a job in each. */
export const queues = {
  /** Invocations of one trigger, which run in turn. */
  lanes: { policy: 'short' },
  /** One invocation. */
  invocations: { policy: 'standard' },
  /** One callback. */
  callbacks: { policy: 'standard' },
  /** Removing old rows. */
  sweeps: { policy: 'standard' },
} as const satisfies Record<string, { readonly policy: QueuePolicy }>;
export type QueueName = keyof typeof queues;

/** A fetched job; with it, settling affects this attempt and no later one. */
export type Job = { readonly id: string; readonly retryCount: number; readonly data: unknown };

export type Boss = {
  /** Within the given transaction. Of several jobs with one key in a queue of policy `short`, one waits. */
  insert(orm: Orm, queue: QueueName, jobs: readonly JobInsert[]): Promise<void>;
  /** At most one job per span of `seconds`, for any number of requests. Rejects when the database is away. */
  once(queue: QueueName, seconds: number): Promise<void>;
  fetch(queue: QueueName, batchSize: number): Promise<Job[]>;
  /** Sends a heartbeat for these jobs, and returns those that are still ours. */
  touch(queue: QueueName, jobs: readonly Job[]): Promise<readonly Job[]>;
  complete(orm: Orm, queue: QueueName, jobs: readonly Job[]): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
};

/** Seconds that a job may be without a heartbeat; pg-boss allows no less. */
const heartbeatSeconds = 10;
/** Seconds between two looks for jobs without a heartbeat. */
const superviseSeconds = 5;
/** Release a job after this long, before pg-boss expires it. */
export const longestJobSeconds = 3 * 3_600;

const queueOptions: QueueOptions = {
  heartbeatSeconds,
  expireInSeconds: 2 * longestJobSeconds,
  // A job of a process that died returns at once, any number of times.
  retryLimit: 1_000_000,
  retryDelay: 0,
  retentionSeconds: 10 * 365 * 86_400,
  deleteAfterSeconds: 60,
};

/** Key of the advisory lock under which pg-boss starts: "skerry" in ASCII, and one more than that of migrations. */
const startLock = 0x736b_6572_727a;
/** The id of no job. */
const nobody = '00000000-0000-0000-0000-000000000000';

/** @throws SkerryError store_unavailable, or the error of pg-boss's own migrations */
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
  boss.on('error', (error) => log.warn({ reason: error.message }, 'the job queue could not do its maintenance'));
  boss.on('warning', ({ message }) => log.debug({ message }, 'a warning of the job queue'));
  const start = async () => {
    await boss.start();
    for (const [name, { policy }] of Object.entries(queues)) await boss.createQueue(name, { policy, ...queueOptions });
    // Known from now on: a look-up within a transaction would wait for the one connection that PGlite has.
    for (const name of Object.keys(queues)) await boss.touch(name, nobody);
  };
  try {
    // pg-boss's own locks do not keep two processes that create its schema at once apart.
    if (embedded) {
      await start();
      // No other process has this database: earlier holders of jobs are dead, and need not be waited for.
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
  // All three drivers' results have rows; Drizzle's type of any driver cannot express it.
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

/** Its type lacks the count. */
async function affected(response: Promise<object>): Promise<number> {
  return ((await response) as { readonly affected: number }).affected;
}
