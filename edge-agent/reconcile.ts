/**
 * Makes the agent hold what it shall hold: compares, does one step after another, and starts over as soon as a newer
 * target arrives. Wakes on a new target and, after a failure, by itself with backoff.
 *
 * Invariants: one run at a time; the old revision of a function serves until the new one is loaded; what is reported
 * as applied names every function that could not be.
 */
import { backoffDelay } from '@skerry/shared/backoff.ts';
import { toOutcomeCode, toSkerryError } from '@skerry/shared/errors.ts';
import type { ApplyError, DesiredFunction } from '@skerry/shared/protocol.ts';
import type { Logger } from 'pino';
import { type Step, stepsTo } from './desired.ts';
import type { Functions } from './functions.ts';
import type { Store } from './store.ts';

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
  /** Generation that was last applied, this one or in an earlier life; 0 for none. */
  readonly applied: number;
  stop(): void;
};

const generationKey = 'generation';
const retryBackoff = { baseMs: 1_000, capMs: 60_000 };

export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { store, functions, execute, report, log, random = Math.random } = options;
  let applied = Number(new TextDecoder().decode(store.getMeta(generationKey)) || 0);
  let target: Target | undefined;
  let running = false;
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
    if (running) return;
    running = true;
    try {
      for (let to = target; to; to = target === to ? undefined : target) {
        const errors = await applyOnce(to);
        if (errors !== 'outdated') finish(to, errors);
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
    store.setMeta(generationKey, new TextEncoder().encode(String(applied)));
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

  return {
    setTarget(to) {
      target = to;
      clearTimeout(retry);
      functions.expect(to.functions.map((fn) => fn.id));
      void run();
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
