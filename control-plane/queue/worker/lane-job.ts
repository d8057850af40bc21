/** Handles jobs of the queue `lanes`: runs the trigger's lane, or passes the job on to a control plane with an agent for it. */
import type { Trigger } from '@skerry/shared/function/triggers.ts';
import { createWakeup, type Wakeup } from '../../async/wakeup.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Store } from '../../db/store.ts';
import type { Invoker } from '../../invoke/invoker.ts';
import type { CatalogFunction } from '../../model/catalog-function.ts';
import type { InProgress } from '../in-progress.ts';
import { type Boss, longestJobSeconds } from '../jobs/boss.ts';
import { laneJob, laneJobSchema, passSeconds } from '../jobs/job-payloads.ts';
import type { Invocations } from '../queue.ts';
import type { Handler } from './job-loop.ts';
import { createLaneClaims } from './lane-claims.ts';
import { type LaneOptions, runLane } from './trigger-lane.ts';

type LaneJobsOptions = Omit<
  LaneOptions,
  'trigger' | 'wakeup' | 'stopping' | 'concurrency' | 'claimsAhead' | 'claimNext'
> & {
  readonly store: Store;
  readonly boss: Pick<Boss, 'touch'>;
  readonly invocations: Pick<Invocations, 'countPending'>;
  readonly inProgress: InProgress;
  readonly catalog: Pick<Catalog, 'functions' | 'version'>;
  readonly invoker: Pick<Invoker, 'reaches'>;
  readonly random: () => number;
  /** Does the work, and waits while the database is unavailable. */
  readonly patiently: <T>(work: () => Promise<T>) => Promise<T>;
  /** After its abort the lanes' claims no longer wait for an unavailable database. */
  readonly signal: AbortSignal;
  /** Called after a lane has ended and its job is settled. */
  readonly onEnd: () => void;
};

type LaneJobs = {
  readonly handle: Handler;
  /** Wakes the trigger's lane if it runs here: an invocation was enqueued. */
  wake(trigger: string): void;
};

export function createLaneJobs(options: LaneJobsOptions): LaneJobs {
  const { store, boss, invocations, inProgress, catalog, invoker, random, patiently, settle, signal, onEnd } = options;
  const lanesHere = new Map<string, { readonly wakeup: Wakeup; readonly over: Promise<void> }>();
  const handle: Handler = async (job, stopping) => {
    const asked = laneJobSchema.safeParse(job.data);
    if (!asked.success) return settle({ done: { queue: 'lanes', job } });
    const { trigger, passed } = asked.data;
    const pass = (functionId: string) => {
      const data = { trigger, passed: passed + 1, function: functionId };
      return { ...laneJob(trigger), data, startAfter: passSeconds(passed + 1, random()) };
    };
    const owner = findOwner(catalog, trigger);
    if (owner && !invoker.reaches(owner) && (await patiently(() => invocations.countPending(trigger))) > 0) {
      return settle({ done: { queue: 'lanes', job }, again: { queue: 'lanes', job: pass(owner.id) } });
    }
    // The job was lost while the database was unavailable, and fetched here again.
    await lanesHere.get(trigger)?.over;
    const wakeup = createWakeup();
    const end = new AbortController();
    const endLane = () => {
      end.abort();
      wakeup.wake();
    };
    stopping.addEventListener('abort', endLane);
    if (stopping.aborted) endLane();
    const timer = setTimeout(endLane, longestJobSeconds * 1_000);
    const over = runLane({
      ...options,
      trigger,
      wakeup,
      stopping: end.signal,
      ...followPace(catalog, trigger),
      claimNext: createLaneClaims({
        store,
        trigger,
        inProgress,
        ours: async () => (await boss.touch('lanes', [job])).length > 0,
        signal: signal,
      }),
    });
    lanesHere.set(trigger, { wakeup, over: over.then(ignore, ignore) });
    let left: string | undefined;
    try {
      ({ left } = await over);
    } finally {
      lanesHere.delete(trigger);
      clearTimeout(timer);
      stopping.removeEventListener('abort', endLane);
    }
    const next = left !== undefined ? pass(left) : end.signal.aborted ? laneJob(trigger) : undefined;
    await settle({ done: { queue: 'lanes', job }, ...(next && { again: { queue: 'lanes', job: next } }) });
    onEnd();
  };

  return { handle, wake: (trigger) => lanesHere.get(trigger)?.wakeup.wake() };
}

const ignore = () => undefined;

/** The function that has the trigger; undefined when the trigger is gone. */
function findOwner(catalog: Pick<Catalog, 'functions'>, trigger: string): CatalogFunction | undefined {
  return [...catalog.functions()].find((fn) => fn.triggers.some(({ id }) => id === trigger));
}

/** Reads the trigger again when the catalog changes. A deleted trigger has a concurrency of 1. */
function followPace(
  catalog: Pick<Catalog, 'functions' | 'version'>,
  trigger: string,
): Pick<LaneOptions, 'concurrency' | 'claimsAhead'> {
  let version: number | undefined;
  let spec: Trigger | undefined;
  const now = () => {
    if (version !== catalog.version) {
      version = catalog.version;
      spec = findOwner(catalog, trigger)?.triggers.find(({ id }) => id === trigger)?.spec;
    }
    return spec;
  };
  return {
    concurrency: () => now()?.params.concurrency ?? 1,
    claimsAhead() {
      const trigger = now();
      return trigger?.type !== 'mqtt' || trigger.params.when_full !== 'drop_oldest';
    },
  };
}
