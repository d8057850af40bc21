/** The worker of a control plane: runs queued invocations, callbacks and sweeps. */
import { createCoalescer } from '../../async/coalesce.ts';
import { createSemaphore } from '../../async/semaphore.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { begin, type Claimed, claim, findCancelled } from '../../db/events/claims.ts';
import { endRests, passedJobs, takeUp } from '../../db/events/invocation-sweep.ts';
import { whileAway } from '../../db/patience.ts';
import type { Store } from '../../db/store.ts';
import type { Invoker } from '../../invoke/invoker.ts';
import type { Logger } from '../../log/log.ts';
import type { SinkCapacity } from '../../sinks/capacity.ts';
import type { Backlog } from '../backlog.ts';
import { createInProgress, type InProgress } from '../in-progress.ts';
import type { Boss } from '../jobs/boss.ts';
import { passedJobSchema } from '../jobs/job-payloads.ts';
import type { Invocations } from '../queue.ts';
import { createAttempt } from './attempt.ts';
import { createDelays } from './interruptible-delay.ts';
import { createWorkers, type Handler } from './job-loop.ts';
import { createLaneJobs } from './lane-job.ts';
import { createSettling } from './settlement.ts';
import { createSingle } from './single-job.ts';

type InvocationWorkerOptions = {
  readonly store: Store;
  readonly boss: Boss;
  readonly invocations: Invocations;
  readonly backlog: Backlog;
  readonly sinkCapacity: Pick<SinkCapacity, 'refresh'>;
  readonly catalog: Pick<Catalog, 'byId' | 'functions' | 'refresh' | 'version'>;
  readonly invoker: Invoker;
  readonly log: Logger;
  /** Invocations at once. */
  readonly concurrency: number;
  readonly now: () => Date;
  readonly random: () => number;
  /** Agents that are connected. */
  readonly online: () => number;
  /** Milliseconds between two looks for jobs of other control planes. */
  readonly pollMs?: number;
  /** Handlers of other jobs. */
  readonly callbacks: Handler;
  readonly sweep: () => Promise<void>;
};

export type InvocationWorker = {
  readonly inProgress: Pick<InProgress, 'cancel' | 'ids'>;
  /** How often an invocation had to wait for another attempt. */
  readonly delayed: number;
  /** Takes no further invocation, waits for running ones, and leaves longer ones to others. Idempotent. */
  stop(drainMs: number): Promise<void>;
};

/** Callbacks in progress at once. */
const maxCallbacks = 64;
/** Trigger lanes that one control plane holds at once. */
const maxLanes = 10_000;
/** Jobs whose delays end at once. */
const maxWoken = 1_000;
/** Milliseconds between two sweeps, by one of all control planes. */
const sweepSeconds = 60;

export function createInvocationWorker(options: InvocationWorkerOptions): InvocationWorker {
  const { store, boss, invocations, backlog, catalog, log, concurrency, pollMs = 1_000 } = options;
  const inProgress = createInProgress();
  const slots = createSemaphore(concurrency);
  const rests = createDelays();
  const ended = new AbortController();
  let restCount = 0;
  const settle = createSettling({ store, boss, invocations, log, signal: ended.signal, onRest: () => restCount++ });
  const attempt = createAttempt(options);
  const patiently = <T>(work: () => Promise<T>) => whileAway(work, ended.signal);
  const claimOne = createCoalescer<string, Claimed | undefined>(256, async (ids) => {
    const rows = await patiently(() => store.change((orm) => claim(orm, ids)));
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id));
  });
  const { invoker, random } = options;
  const reaches = ({ functionId, onlyAgent }: Pick<Claimed, 'functionId' | 'onlyAgent'>) => {
    const fn = catalog.byId(functionId);
    // If the function was deleted, any control plane can settle the invocation.
    return !fn || invoker.reaches(fn, onlyAgent ?? undefined);
  };
  const steps = { claim: claimOne, attempt, settle, inProgress, slots, reaches };
  const showBegun = createCoalescer<string, void>(256, async (ids) => {
    await store.change((orm) => begin(orm, ids));
    return ids.map(() => undefined);
  });
  const begun = (id: string) => void showBegun(id).catch(() => undefined);

  const lanes = createLaneJobs({
    ...steps,
    ...{ store, boss, invocations, catalog, invoker, random, rests, begun, patiently },
    signal: ended.signal,
    onEnd: () => workers.wake(),
  });

  const sweep: Handler = async (job) => {
    await options.sweep();
    await settle({ done: { queue: 'sweeps', job } });
  };

  let agentCount = 0;
  let retryBeats = 0;
  /**
   * When agents connect, retry everything that waited for one. This happens on two consecutive beats, because an
   * invocation that was being tried during the first beat would miss it.
   */
  const retryOnNewAgents = async () => {
    const before = agentCount;
    agentCount = options.online();
    if (agentCount > before) retryBeats = 2;
    if (retryBeats === 0) return;
    retryBeats -= 1;
    rests.interrupt();
    await store.change((orm) => endRests(orm, maxWoken));
    workers.wake();
  };

  /** Jobs that were passed on, by others or by us before an agent connected, and that can run here now. */
  const takeUpPassed = async () => {
    if (![...catalog.functions()].some((fn) => invoker.reaches(fn))) return;
    const passed = await store.read((orm) => passedJobs(orm, maxWoken));
    const ours = passed.filter(({ data }) => {
      const asked = passedJobSchema.safeParse(data).data;
      return asked?.function === undefined || reaches({ functionId: asked.function, onlyAgent: asked.agent ?? null });
    });
    if (ours.length === 0) return;
    await store.change((orm) =>
      takeUp(
        orm,
        ours.map(({ id }) => id),
      ),
    );
    workers.wake();
  };

  const workers = createWorkers({
    boss,
    log,
    pollMs,
    work: {
      lanes: { handle: lanes.handle, maxConcurrent: maxLanes },
      invocations: {
        handle: createSingle({ ...steps, random, dueIn: (delayMs) => workers.dueIn(delayMs) }),
        maxConcurrent: concurrency,
      },
      callbacks: { handle: options.callbacks, maxConcurrent: maxCallbacks },
      sweeps: { handle: sweep, maxConcurrent: 1 },
    },
    async onBeat() {
      if (inProgress.ids.size > 0) {
        for (const id of await store.read((orm) => findCancelled(orm, [...inProgress.ids]))) inProgress.cancel(id);
      }
      await backlog.refresh();
      await options.sinkCapacity.refresh();
      await retryOnNewAgents();
      await takeUpPassed();
    },
  });
  const unsubscribe = invocations.onEnqueued((triggers) => {
    for (const trigger of triggers) lanes.wake(trigger);
    workers.wake();
  });
  const ask = () => void boss.once('sweeps', sweepSeconds).catch(() => undefined);
  const timer = setInterval(ask, (sweepSeconds * 1_000) / 2);

  let stopped: Promise<void> | undefined;
  return {
    inProgress,
    get delayed() {
      return restCount;
    },
    stop(drainMs) {
      const stop = async () => {
        unsubscribe();
        clearInterval(timer);
        const late = setTimeout(inProgress.abortAll, drainMs);
        const tooLate = setTimeout(() => ended.abort(), drainMs + lastWordMs);
        await workers.stop();
        clearTimeout(late);
        clearTimeout(tooLate);
      };
      stopped ??= stop();
      return stopped;
    },
  };
}

/** Milliseconds to wait for an unavailable database at the end. */
const lastWordMs = 2_000;
