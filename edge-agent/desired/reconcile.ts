/**
 * Makes the agent hold what it shall hold: compares, does one step after another, and starts over as soon as a newer
 * target arrives. Wakes on a new target, when code was lost and, after a failure, by itself with backoff.
 *
 * Invariants: one run at a time; the old revision of a function serves until the new one is loaded; what is reported
 * as applied names every function that could not be; a generation of which something was lost is not told as applied.
 */
import { backoffDelay } from '@skerry/shared/backoff.ts';
import { toOutcomeCode, toSkerryError } from '@skerry/shared/errors.ts';
import type { ApplyError, DesiredFunction } from '@skerry/shared/tunnel/protocol.ts';
import type { Logger } from 'pino';
import type { Store } from '../storage/store.ts';
import { generationKey } from '../storage/store-file.ts';
import type { Functions } from './active-functions.ts';
import { type Step, stepsTo } from './diff.ts';

export type Target = { readonly generation: number; readonly functions: readonly DesiredFunction[] };

export type ReconcilerOptions = {
  readonly store: Store;
  readonly functions: Functions;
  /** Carries out one step; rejects with a SkerryError. */
  readonly execute: (step: Step, target: Target) => Promise<void> | void;
  /** All that can be done for this generation is done. */
  readonly report: (generation: number, errors: ApplyError[]) => void;
  readonly log: Logger;
  readonly random?: () => number;
};

export type Reconciler = {
  /** Shall hold this from now on; replaces any earlier target. */
  setTarget(target: Target): void;
  /** The tunnel is up: what failed has not been said in this one. */
  onUp(): void;
  /**
   * Code that was here is not here any more: what is lacking is brought again, at once or with the next try.
   * @param digest of the bundle; without one nobody knows what was lost
   */
  lost(digest?: string): void;
  /**
   * Generation that is in effect, but for the functions that the last report named; applied now or in an earlier life.
   * 0 for none, and after a loss until it is mended.
   */
  readonly applied: number;
  stop(): void;
};

const retryBackoff = { baseMs: 1_000, capMs: 60_000 };

export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { store, functions, execute, report, log, random = Math.random } = options;
  let applied = Number(new TextDecoder().decode(store.getMeta(generationKey)) || 0);
  let target: Target | undefined;
  /** What the last report named, by function. */
  let failing: ReadonlyMap<string, ApplyError> = new Map();
  let running = false;
  /** Something was lost since the steps of this run were found. */
  let hasLost = false;
  let stopped = false;
  let failures = 0;
  let retry: NodeJS.Timeout | undefined;

  const applyOnce = async (to: Target): Promise<ApplyError[] | 'outdated'> => {
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
        // After errors it is tried again in any case, and not at once.
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

  const finish = (to: Target, errors: ApplyError[]) => {
    applied = to.generation;
    failing = new Map(errors.map((error) => [error.function, error]));
    // What failed is not kept, and this generation is not told without it.
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
    log.warn({ functions: names }, 'the code of functions is not here; it comes through the tunnel');
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
      // Of what was reported as failing all is said, and the next try comes by itself.
      if (digest !== undefined && concerned.every(({ id }) => failing.has(id))) return;
      if (applied !== 0) log.warn({ bundle: digest }, 'code that was here is lost; it comes through the tunnel');
      applied = 0;
      hasLost = true;
      // Not at once: whoever has found it is in the middle of reading.
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

/** What a log line says of a step. */
function short(step: Step): { step: Step['kind']; function?: string } {
  return step.kind === 'collect' ? { step: step.kind } : { step: step.kind, function: step.function };
}
