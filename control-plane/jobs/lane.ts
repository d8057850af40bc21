/**
 * Runs what waits for one trigger, oldest first, so many at one time as the trigger allows. One control plane does this
 * for a trigger, as long as it holds the lane's job; what comes in meanwhile it runs as well.
 *
 * Invariants: with a concurrency of 1 nothing of the trigger begins before what came earlier has ended, its retries
 * included, though its outcome may still be on its way to the disk; outcomes reach it in their order; at most
 * `mostClaimed` are claimed ahead, with `mostBytes` of inputs.
 */
import { setTimeout } from 'node:timers/promises';
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

/** Resolves when nothing waits any more, or nothing is to be begun. */
export async function runLane(options: LaneOptions): Promise<void> {
  const { hands, slots, settle, attempt, stopping, concurrency, bell } = options;
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
          const verdict = await attempt(before, rests, signal);
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
      if (rests > 0) await options.rests.rest(verdict.delayMs, stopping);
      else await setTimeout(verdict.delayMs, undefined, { signal: stopping }).catch(() => undefined);
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
}
