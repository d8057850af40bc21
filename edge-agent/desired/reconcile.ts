/**
 * Makes the agent hold its desired state: compares, does one step after another, and starts over as soon as a newer
 * target arrives. A new target or lost code wakes it; after a failure it retries with back-off.
 *
 * The loop is written by hand because a step that fails for some functions is no failure of the loop: it is reported, and
 * then retried with back-off. `stop` must not wait for a fetch in progress.
 *
 * Invariants: one run at a time. The old revision of a function serves until the new one is loaded. A report names
 * every function that could not be applied. A generation is not reported as applied while some of its code is lost.
 */
import { backoffDelay } from '@skerry/shared/backoff.ts';
import { toOutcomeCode, toSkerryError } from '@skerry/shared/errors.ts';
import type { ApplyError, DesiredFunction } from '@skerry/shared/tunnel/protocol.ts';
import type { Logger } from 'pino';
import type { AgentStore } from '../storage/store.ts';
import { generationKey } from '../storage/store-file.ts';
import type { Functions } from './active-functions.ts';
import { type Step, stepsTo } from './diff.ts';

export type DesiredState = { readonly generation: number; readonly functions: readonly DesiredFunction[] };

type ReconcilerOptions = {
  readonly store: AgentStore;
  readonly functions: Functions;
  /** Carries out one step; rejects with a SkerryError. */
  readonly execute: (step: Step, target: DesiredState) => Promise<void> | void;
  /** Everything that can be done for this generation is done. */
  readonly report: (generation: number, errors: ApplyError[]) => void;
  readonly log: Logger;
  readonly random?: () => number;
};

export type Reconciler = {
  /** Sets the desired state; replaces any earlier target. */
  setTarget(target: DesiredState): void;
  /** The tunnel is up: failures have not been reported in it. */
  onUp(): void;
  /**
   * Code that was here is lost: it is fetched again, at once or with the next try.
   * @param digest of the bundle; absent: it is unknown what was lost
   */
  lost(digest?: string): void;
  /**
   * Generation that is in effect, except for the functions that the last report named; applied now or before a restart.
   * 0 for none, and after a loss until it is repaired.
   */
  readonly applied: number;
  stop(): void;
};

const retryBackoff = { baseMs: 1_000, capMs: 60_000 };

export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { store, functions, execute, report, log, random = Math.random } = options;
  let applied = Number(new TextDecoder().decode(store.getMeta(generationKey)) || 0);
  let target: DesiredState | undefined;
  /** The failures of the last report, by function. */
  let failing: ReadonlyMap<string, ApplyError> = new Map();
  let running = false;
  /** Code was lost since the steps of this run were computed. */
  let hasLost = false;
  let stopped = false;
  let failures = 0;
  let retry: NodeJS.Timeout | undefined;

  const applyOnce = async (to: DesiredState): Promise<ApplyError[] | 'outdated'> => {
    const errors = new Map<string, ApplyError>();
    for (const step of stepsTo(to.functions, { active: functions.active, holds: store.hasBundle })) {
      if (target !== to || stopped) return 'outdated';
      if (step.kind !== 'collect' && errors.has(step.function)) continue;
      const start = performance.now();
      try {
        await execute(step, to);
        log.debug({ ...short(step), ms: Math.round(performance.now() - start) }, 'step done');
      } catch (error) {
        if (step.kind === 'collect') throw error;
        const { code, message } = toSkerryError(error);
        const failure = { function: step.function, code: toOutcomeCode(code), message };
        errors.set(step.function, failure);
        log.warn({ ...short(step), code, message }, 'could not apply');
      }
    }
    return target === to && !stopped ? [...errors.values()] : 'outdated';
  };

  const run = async () => {
    if (running || stopped) return;
    running = true;
    clearTimeout(retry);
    try {
      for (let to = target; to; ) {
        hasLost = false;
        const errors = await applyOnce(to);
        // After errors there is another try in any case, and not at once.
        const again = target !== to || (hasLost && errors !== 'outdated' && errors.length === 0);
        if (errors !== 'outdated' && !again) finish(to, errors);
        to = again ? target : undefined;
      }
    } catch (error) {
      log.error({ err: error }, 'reconciling failed');
      retryLater();
    } finally {
      running = false;
    }
  };

  const finish = (to: DesiredState, errors: ApplyError[]) => {
    applied = to.generation;
    failing = new Map(errors.map((error) => [error.function, error]));
    // Failures are not stored, so this generation is not reported without them.
    store.setMeta(generationKey, new TextEncoder().encode(String(errors.length === 0 ? applied : 0)));
    for (const error of errors) functions.failed(error);
    report(applied, errors);
    if (errors.length > 0) retryLater();
    else failures = 0;
  };

  const retryLater = () => {
    failures += 1;
    clearTimeout(retry);
    retry = setTimeout(run, backoffDelay(failures, random(), 0, retryBackoff));
  };

  const lacking = [...functions.active.values()].filter(({ bundle }) => !store.hasBundle(bundle));
  if (lacking.length > 0) {
    applied = 0;
    const names = lacking.map(({ module, name }) => `${module}/${name}`);
    log.warn({ functions: names }, 'the code of functions is missing; it is fetched through the tunnel');
  }

  return {
    setTarget(to) {
      target = to;
      clearTimeout(retry);
      functions.expect(to.functions.map((fn) => fn.id));
      void run();
    },
    onUp() {
      if (failing.size > 0) report(applied, [...failing.values()]);
    },
    lost(digest) {
      const concerned = [...functions.active.values()].filter(({ bundle }) => bundle === digest);
      // Functions that were reported as failing have been reported, and are tried again anyway.
      if (digest !== undefined && concerned.every(({ id }) => failing.has(id))) return;
      if (applied !== 0) log.warn({ bundle: digest }, 'code was lost; it is fetched through the tunnel');
      applied = 0;
      hasLost = true;
      // Not at once: the caller is in the middle of reading.
      setImmediate(run);
    },
    get applied() {
      return applied;
    },
    stop() {
      stopped = true;
      clearTimeout(retry);
    },
  };
}

/** The fields of a step in a log line. */
function short(step: Step): { step: Step['kind']; function?: string } {
  return step.kind === 'collect' ? { step: step.kind } : { step: step.kind, function: step.function };
}
