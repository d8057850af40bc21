/**
 * Looks for jobs, passes them to their handlers, and keeps sending heartbeats for them. Jobs that are put in here are
 * looked at once; jobs of other control planes, within a poll.
 *
 * Invariants: a job is held only by heartbeats, so the jobs of a control plane that died are taken up by another after
 * 10 to 15 s. A database that is away stops nothing here but the next look.
 */
import { createWakeup } from '../../async/wakeup.ts';
import type { Logger } from '../../log/log.ts';
import type { Boss, Job, QueueName } from '../jobs/boss.ts';

/**
 * Does a job, and settles it. When it rejects, the job returns after its heartbeat has run out.
 * @param stopping begin nothing more: this control plane stops, or has lost the job
 */
export type Handler = (job: Job, stopping: AbortSignal) => Promise<void>;

export type Work = {
  readonly handle: Handler;
  /** Jobs of this queue that may be in progress at once. */
  readonly maxConcurrent: number;
};

export type WorkersOptions = {
  readonly boss: Pick<Boss, 'fetch' | 'touch'>;
  readonly work: Readonly<Partial<Record<QueueName, Work>>>;
  readonly log: Logger;
  readonly pollMs: number;
  /** Called with each heartbeat. */
  readonly onBeat: () => Promise<void>;
};

export type Workers = {
  /** A job was put in. */
  wake(): void;
  /**
   * A job was put in that is due in this number of milliseconds: it is looked for then, and not only with the next
   * poll.
   */
  dueIn(delayMs: number): void;
  /** Fetches no further jobs and aborts the handlers' signals; resolves when all of them have ended. Idempotent. */
  stop(): Promise<void>;
};

const beatMs = 3_000;
/** Jobs are due by the database's clock, to the millisecond. */
const dueMarginMs = 2;
type Held = { readonly done: Promise<void>; readonly lost: AbortController };

/** Most jobs of one fetch. */
const batchSize = 64;

export function createWorkers({ boss, work, log, pollMs, onBeat }: WorkersOptions): Workers {
  const queues = Object.entries(work) as [QueueName, Work][];
  const held = new Map(queues.map(([queue]) => [queue, new Map<Job, Held>()]));
  const wakeup = createWakeup();
  const stopping = new AbortController();

  const begin = (queue: QueueName, { handle, maxConcurrent: most }: Work, job: Job) => {
    const jobs = held.get(queue);
    const lost = new AbortController();
    const done = handle(job, AbortSignal.any([stopping.signal, lost.signal]))
      .catch((error: unknown) => log.warn({ err: error, queue }, 'a job handler failed; the job will be retried'))
      .finally(() => {
        const full = jobs?.size === most;
        jobs?.delete(job);
        if (full) wakeup.wake();
      });
    jobs?.set(job, { done, lost });
  };

  /** Whether there may be more. */
  const look = async (queue: QueueName, one: Work): Promise<boolean> => {
    const room = Math.min(one.maxConcurrent - (held.get(queue)?.size ?? 0), batchSize);
    if (room <= 0) return false;
    const jobs = await boss.fetch(queue, room);
    for (const job of jobs) begin(queue, one, job);
    return jobs.length === room;
  };

  const run = async () => {
    while (!stopping.signal.aborted) {
      let more = false;
      try {
        for (const [queue, one] of queues) more = (await look(queue, one)) || more;
      } catch (error) {
        log.debug({ err: error }, 'jobs could not be fetched');
        more = false;
      }
      if (!more) await wakeup.wait({ withinMs: pollMs });
    }
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
      .catch((error: unknown) => log.debug({ err: error }, 'the heartbeats of jobs could not be sent'))
      .finally(() => {
        beating = false;
      });
  }, beatMs);
  const running = run();

  return {
    wake: wakeup.wake,
    dueIn(delayMs) {
      if (delayMs < pollMs && !stopping.signal.aborted) setTimeout(wakeup.wake, delayMs + dueMarginMs).unref();
    },
    async stop() {
      stopping.abort();
      wakeup.wake();
      await running;
      await Promise.all([...held.values()].flatMap((jobs) => [...jobs.values()].map(({ done }) => done)));
      clearInterval(timer);
    },
  };
}
