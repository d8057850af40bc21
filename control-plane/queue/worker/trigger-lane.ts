/**
 * Runs the queued events of one trigger, oldest first, at most the trigger's concurrency at once. One control plane
 * does this for a trigger, as long as it holds the lane's job; it also runs the events that arrive meanwhile. A control
 * plane without a fitting agent leaves the lane to others.
 *
 * The loop is written by hand because its steps overlap: it fills free slots while earlier events still run, and it ends
 * by itself when the lane is empty.
 *
 * Invariants: with a concurrency of 1 an event begins only after the earlier one has ended, its retries included,
 * although the earlier outcome may still be on its way to the disk. Outcomes reach the disk in their order. At most
 * `maxAhead` events are claimed ahead, with `maxBytes` of inputs, and none of a trigger that drops its oldest events,
 * since a claimed event cannot be dropped.
 */
import { sleep } from '@skerry/shared/clock.ts';
import type { Semaphore } from '../../async/semaphore.ts';
import type { Wakeup } from '../../async/wakeup.ts';
import type { Claimed } from '../../db/events/claims.ts';
import type { InProgress } from '../in-progress.ts';
import type { AttemptVerdict, RunAttempt } from './attempt.ts';
import type { Delays } from './interruptible-delay.ts';
import type { ClaimNext } from './lane-claims.ts';
import type { Settle } from './settlement.ts';

export type LaneOptions = {
  readonly trigger: string;
  /** Current limit of invocations at once. */
  readonly concurrency: () => number;
  /** Whether events may be claimed ahead now. */
  readonly claimsAhead: () => boolean;
  readonly claimNext: ClaimNext;
  /** Undefined when it has ended. */
  readonly claim: (id: string) => Promise<Claimed | undefined>;
  readonly attempt: RunAttempt;
  /** Whether an agent that may run it is connected here. */
  readonly reaches: (row: Claimed) => boolean;
  /** It has been running for a while: shown as running from now on. */
  readonly begun: (id: string) => void;
  readonly settle: Settle;
  readonly inProgress: InProgress;
  /** A slot for each invocation that runs here, of this lane or not. */
  readonly slots: Semaphore;
  readonly rests: Delays;
  /** Signalled when an event arrived here, and when nothing more may begin. */
  readonly wakeup: Wakeup;
  /** Aborts when nothing more may begin. */
  readonly stopping: AbortSignal;
};

const maxAhead = 64;
const maxBytes = 1024 * 1024;
/** Milliseconds for which an empty lane is held in case more events arrive. */
const lingerMs = 1_000;
/** Invocations shorter than this are never marked running, which saves a write for most of them. */
const begunMs = 250;

/**
 * Resolves when nothing waits any longer, or nothing more may begin; with the function when the lane is left to control
 * planes with fitting agents.
 */
export async function runLane(options: LaneOptions): Promise<{ readonly left: string | undefined }> {
  const { inProgress, slots, settle, attempt, concurrency, wakeup } = options;
  let left: string | undefined;
  const leaving = new AbortController();
  const stopping = AbortSignal.any([options.stopping, leaving.signal]);
  const ahead: Claimed[] = [];
  /** In this lane: claimed ahead, running or delayed. */
  const held = new Set<string>();
  const workers = new Set<Promise<void>>();
  /** Outcomes on their way to the disk. Each still has its slot, so there are no more of them than slots. */
  const settling = new Set<Promise<void>>();
  let failed: unknown;
  const fail = (error: unknown) => {
    failed ??= error;
  };

  const refill = async () => {
    const limit = concurrency() - workers.size + (options.claimsAhead() ? maxAhead : 0);
    if (limit <= 0) return;
    const rows = await options.claimNext([...held], limit, maxBytes);
    for (const { id } of rows) {
      held.add(id);
      inProgress.reserve(id);
    }
    ahead.push(...rows);
  };

  /** Returns to the queue, for the next holder of the lane. */
  const giveUp = async ({ id, attempts }: Claimed) => {
    try {
      await settle({ rested: { id, attempts } });
    } finally {
      inProgress.release(id);
    }
  };

  const runOne = async (first: Claimed) => {
    let row: Claimed | undefined = first;
    for (let rests = 0; row && !stopping.aborted; ) {
      const before = row;
      const release = await slots.acquire(stopping);
      if (!release) break;
      const found = Promise.withResolvers<AttemptVerdict>();
      const settled = inProgress
        .run(before.id, async (signal) => {
          const shown = setTimeout(options.begun, begunMs, before.id);
          const verdict = await attempt(before, rests, signal);
          clearTimeout(shown);
          if (verdict.kind !== 'rest') found.resolve(verdict);
          if (verdict.kind === 'ended') await settle({ ended: verdict.ended });
          else if (verdict.kind === 'rest') await settle({ rested: verdict.rested });
          found.resolve(verdict);
        })
        .catch((error: unknown) => {
          fail(error);
          found.reject(error);
        })
        .finally(() => {
          release();
          settling.delete(settled);
        });
      settling.add(settled);
      const verdict = await found.promise;
      if (verdict.kind !== 'rest') return;
      rests = verdict.rested.attempts > before.attempts ? 0 : rests + 1;
      if (rests > 0 && !stopping.aborted && !options.reaches(before)) {
        await settled;
        left = before.functionId;
        leaving.abort();
        wakeup.wake();
      }
      if (rests > 0) await options.rests.delay(verdict.delayMs, stopping);
      else await sleep(verdict.delayMs, stopping);
      if (stopping.aborted) return;
      row = await options.claim(before.id);
    }
    if (row) await giveUp(row);
  };

  const work = async () => {
    for (let row = ahead.shift(); row; row = ahead.shift()) {
      const { id } = row;
      await runOne(row);
      held.delete(id);
      if (workers.size > concurrency()) return;
    }
  };

  const begin = () => {
    while (ahead.length > 0 && workers.size < concurrency()) {
      const worker: Promise<void> = work()
        .catch(fail)
        .finally(() => {
          workers.delete(worker);
          wakeup.wake();
        });
      workers.add(worker);
    }
  };

  // Another control plane's event asks for the lane again, unless an earlier job was fetched here before its
  // transaction ended. So nothing may wait at the end of a quiet period either. A transaction that stays open for
  // longer is left to the sweep.
  let quiet = false;
  while (!stopping.aborted && failed === undefined) {
    if (ahead.length === 0) await refill().catch(fail);
    begin();
    const idle = workers.size === 0;
    if (idle && quiet) break;
    quiet = !(await wakeup.wait({ withinMs: lingerMs })) && idle;
  }
  await Promise.all(workers);
  await Promise.all(settling);
  await Promise.all(ahead.map((row) => giveUp(row).catch(fail)));
  if (failed !== undefined) throw failed;
  return { left };
}
