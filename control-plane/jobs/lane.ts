/**
 * Runs what waits for one trigger, oldest first, so many at one time as the trigger allows. One control plane does this
 * for a trigger, as long as it holds the lane's job; what comes in meanwhile it runs as well. One that reaches nobody
 * who may run it leaves the lane to others.
 *
 * Invariants: with a concurrency of 1 nothing of the trigger begins before what came earlier has ended, its retries
 * included, though its outcome may still be on its way to the disk; outcomes reach it in their order; at most
 * `mostClaimed` are claimed ahead, with `mostBytes` of inputs.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Claimed } from '../db/claims.ts';
import type { Attempt, Verdict } from './attempt.ts';
import type { Bell } from './bell.ts';
import type { Hands } from './hands.ts';
import type { Rests } from './rests.ts';
import type { Settle } from './settling.ts';
import type { Slots } from './slots.ts';

export type LaneOptions = {
  readonly trigger: string;
  /** Invocations at one time, as it is now. */
  readonly concurrency: () => number;
  /** Makes what runs without anybody wait again. */
  readonly reclaim: (held: readonly string[]) => Promise<void>;
  /** The next ones that wait. */
  readonly claimNext: (held: readonly string[], limit: number, bytes: number) => Promise<readonly Claimed[]>;
  /** Undefined when it has ended. */
  readonly claim: (id: string) => Promise<Claimed | undefined>;
  readonly attempt: Attempt;
  /** Whether somebody who may run it is connected here. */
  readonly reaches: (row: Claimed) => boolean;
  /** It has been running for a while: shown as such from now on. */
  readonly begun: (id: string) => void;
  readonly settle: Settle;
  readonly hands: Hands;
  readonly slots: Slots;
  readonly rests: Rests;
  /** Rung when something came in here, and when nothing is to be begun any more. */
  readonly bell: Bell;
  /** Aborts when nothing is to be begun any more. */
  readonly stopping: AbortSignal;
};

const mostClaimed = 64;
const mostBytes = 1024 * 1024;
/** How long an empty lane is held in case that more comes, in milliseconds. */
const lingerMs = 1_000;
/** One that runs shorter is never shown as running: that saves most of them a write. */
const begunMs = 250;

/**
 * Resolves when nothing waits any more, or nothing is to be begun; with the function whose lane is left to control
 * planes that reach somebody, as long as this one does not.
 */
export async function runLane(options: LaneOptions): Promise<{ readonly left: string | undefined }> {
  const { hands, slots, settle, attempt, concurrency, bell } = options;
  let left: string | undefined;
  const leaving = new AbortController();
  const stopping = AbortSignal.any([options.stopping, leaving.signal]);
  const ahead: Claimed[] = [];
  /** In this lane's hands: claimed ahead, running or resting. */
  const held = new Set<string>();
  const workers = new Set<Promise<void>>();
  /** Outcomes on their way to the disk. Each has its slot still, so there are no more of them than slots. */
  const settling = new Set<Promise<void>>();
  let failed: unknown;

  const refill = async () => {
    const rows = await options.claimNext([...held], Math.max(mostClaimed, concurrency()), mostBytes);
    for (const { id } of rows) {
      held.add(id);
      hands.reserve(id);
    }
    ahead.push(...rows);
  };

  const runOne = async (first: Claimed) => {
    let row: Claimed | undefined = first;
    for (let rests = 0; row && !stopping.aborted; ) {
      const before = row;
      const giveBack = await slots.take(stopping);
      if (!giveBack) break;
      const found = Promise.withResolvers<Verdict>();
      const settled = hands
        .hold(before.id, async (signal) => {
          const shown = setTimeout(options.begun, begunMs, before.id);
          const verdict = await attempt(before, rests, signal);
          clearTimeout(shown);
          if (verdict.kind !== 'rest') found.resolve(verdict);
          if (verdict.kind === 'ended') await settle({ ended: verdict.ended });
          else if (verdict.kind === 'rest') await settle({ rested: verdict.rested });
          found.resolve(verdict);
        })
        .catch((error: unknown) => {
          failed = error;
          found.reject(error);
        })
        .finally(() => {
          giveBack();
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
        bell.ring();
      }
      if (rests > 0) await options.rests.rest(verdict.delayMs, stopping);
      else await wait(verdict.delayMs, undefined, { signal: stopping }).catch(() => undefined);
      if (stopping.aborted) return;
      row = await options.claim(before.id);
    }
    if (!row) return;
    await settle({ rested: { id: row.id, attempts: row.attempts } });
    hands.release(row.id);
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
        .catch((error: unknown) => {
          failed = error;
        })
        .finally(() => {
          workers.delete(worker);
          bell.ring();
        });
      workers.add(worker);
    }
  };

  await options.reclaim([...hands.ids]);
  while (!stopping.aborted && failed === undefined) {
    if (ahead.length === 0) await refill();
    begin();
    const idle = workers.size === 0;
    const rung = await bell.heard(lingerMs);
    // What others put in asks for the lane anew.
    if (idle && !rung) break;
  }
  await Promise.all(workers);
  await Promise.all(settling);
  for (const { id, attempts } of ahead) {
    await settle({ rested: { id, attempts } });
    hands.release(id);
  }
  if (failed !== undefined) throw failed;
  return { left };
}
