/**
 * Fetches jobs, hands them to their handlers, and sends heartbeats for them. A job that was inserted here is fetched at
 * once. A job that another control plane inserted is fetched within a poll.
 *
 * Invariants:
 * - A control plane holds a job only as long as it sends heartbeats. After its death another one takes the job up within
 *   10 to 15 s.
 * - While the database is unavailable, only fetching stops.
 *
 * Two timers stay by hand. The heartbeat has a fixed period, which must not grow with the duration of a beat, and it goes
 * on until the last handler has ended. Each due time has its own timer, because the loop keeps only the earliest.
 */
import { createLoop } from '@skerry/shared/loop.ts';
import type { Logger } from '../../log/log.ts';
import type { Boss, Job, QueueName } from '../jobs/boss.ts';

/**
 * Does a job, and settles it. After a rejection the job is retried when its heartbeat has expired.
 * @param stopping aborts when nothing more may begin: the control plane stops, or has lost the job
 */
export type Handler = (job: Job, stopping: AbortSignal) => Promise<void>;

export type Work = {
  readonly handle: Handler;
  /** Limit of concurrent jobs of this queue. */
  readonly maxConcurrent: number;
};

type WorkersOptions = {
  readonly boss: Pick<Boss, 'fetch' | 'touch'>;
  readonly work: Readonly<Partial<Record<QueueName, Work>>>;
  readonly log: Logger;
  readonly pollMs: number;
  /** Called with each heartbeat. */
  readonly onBeat: () => Promise<void>;
};

export type Workers = {
  /** Fetches now: a job was inserted. */
  wake(): void;
  /** Fetches after `delayMs`, when an inserted job is due, without waiting for the next poll. */
  dueIn(delayMs: number): void;
  /** Stops fetching and aborts the handlers' signals. Resolves when all handlers have ended. Idempotent. */
  stop(): Promise<void>;
};

const beatMs = 3_000;
/** The database's clock decides when a job is due, to the millisecond. */
const dueMarginMs = 2;
type Held = { readonly done: Promise<void>; readonly lost: AbortController };

/** At most this many jobs in one fetch. */
const batchSize = 64;

export function createWorkers({ boss, work, log, pollMs, onBeat }: WorkersOptions): Workers {
  const queues = Object.entries(work) as [QueueName, Work][];
  const held = new Map(queues.map(([queue]) => [queue, new Map<Job, Held>()]));
  const stopping = new AbortController();

  const begin = (queue: QueueName, { handle, maxConcurrent }: Work, job: Job) => {
    const jobs = held.get(queue);
    const lost = new AbortController();
    const done = handle(job, AbortSignal.any([stopping.signal, lost.signal]))
      .catch((error: unknown) => log.warn({ err: error, queue }, 'job handler failed; the job will be retried'))
      .finally(() => {
        const full = jobs?.size === maxConcurrent;
        jobs?.delete(job);
        if (full) loop.retryNow();
      });
    jobs?.set(job, { done, lost });
  };

  /** Resolves with true when the queue may have more jobs. */
  const fetchFrom = async (queue: QueueName, one: Work): Promise<boolean> => {
    const room = Math.min(one.maxConcurrent - (held.get(queue)?.size ?? 0), batchSize);
    if (room <= 0) return false;
    const jobs = await boss.fetch(queue, room);
    for (const job of jobs) begin(queue, one, job);
    return jobs.length === room;
  };

  const fetchAll = async (): Promise<number> => {
    let more = false;
    for (const [queue, one] of queues) more = (await fetchFrom(queue, one)) || more;
    return more ? 0 : pollMs;
  };

  const beat = async () => {
    for (const [queue, jobs] of held) {
      const asked = [...jobs].filter(([, { lost }]) => !lost.signal.aborted);
      const ours = new Set(
        await boss.touch(
          queue,
          asked.map(([job]) => job),
        ),
      );
      for (const [job, { lost }] of asked) if (!ours.has(job)) lost.abort();
    }
    await onBeat();
  };
  let beating = false;
  const timer = setInterval(() => {
    if (beating) return;
    beating = true;
    beat()
      .catch((error: unknown) => log.debug({ err: error }, 'job heartbeat failed'))
      .finally(() => {
        beating = false;
      });
  }, beatMs);
  const loop = createLoop({
    step: fetchAll,
    onFailure: (error) => log.debug({ err: error }, 'fetching jobs failed'),
    // The wait after a failed fetch is that of an ordinary poll.
    backoff: { baseMs: pollMs, capMs: pollMs },
    random: () => 1,
  });

  return {
    wake: loop.retryNow,
    dueIn(delayMs) {
      if (delayMs < pollMs && !stopping.signal.aborted) setTimeout(loop.retryNow, delayMs + dueMarginMs).unref();
    },
    async stop() {
      stopping.abort();
      await loop.stop();
      await Promise.all([...held.values()].flatMap((jobs) => [...jobs.values()].map(({ done }) => done)));
      clearInterval(timer);
    },
  };
}
