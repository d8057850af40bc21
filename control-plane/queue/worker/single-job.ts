/** Runs an invocation with a job of its own: claims it, tries it once, and settles it together with its job. */

import type { Semaphore } from '../../async/semaphore.ts';
import type { Claimed } from '../../db/events/claims.ts';
import type { InProgress } from '../in-progress.ts';
import type { Job } from '../jobs/boss.ts';
import { invocationJobSchema, passSeconds } from '../jobs/job-payloads.ts';
import type { AttemptVerdict, RunAttempt } from './attempt.ts';
import type { Settle } from './settlement.ts';

type SingleOptions = {
  /** Undefined when it has ended. */
  readonly claim: (id: string) => Promise<Claimed | undefined>;
  readonly attempt: RunAttempt;
  readonly settle: Settle;
  readonly inProgress: InProgress;
  /** A slot for each invocation that runs here. */
  readonly slots: Semaphore;
  /** A job was put in that is due in this number of milliseconds. */
  readonly dueIn: (delayMs: number) => void;
  /** Whether an agent that may run it is connected here. */
  readonly reaches: (row: Claimed) => boolean;
  readonly random: () => number;
};

const queue = 'invocations';

/** @param stopping begin nothing more */
export function createSingle({ claim, attempt, settle, inProgress, slots, dueIn, reaches, random }: SingleOptions) {
  return async (job: Job, stopping: AbortSignal): Promise<void> => {
    const done = { queue, job } as const;
    const asked = invocationJobSchema.safeParse(job.data);
    if (!asked.success) return settle({ done });
    const { id, rests, passed } = asked.data;
    const later = (count: number, delayMs: number) =>
      ({ queue, job: { data: { id, rests: count }, startAfter: delayMs / 1_000 } }) as const;
    // The job was lost while the database was away, and was given to us again.
    await inProgress.settled(id);
    const release = await slots.acquire(stopping);
    if (!release) return settle({ done, again: later(rests, 0) });
    try {
      await inProgress.run(id, async (signal) => {
        const row = await claim(id);
        if (!row) return settle({ done });
        const verdict = await attempt(row, rests, signal);
        if (verdict.kind !== 'rest') return settle({ ...toSettlement(verdict), done });
        const { rested, delayMs } = verdict;
        if (rested.error && rested.attempts === row.attempts && !reaches(row)) {
          const { functionId, onlyAgent } = row;
          const data = { id, rests, passed: passed + 1, function: functionId, ...(onlyAgent && { agent: onlyAgent }) };
          return settle({
            rested,
            done,
            again: { queue, job: { data, startAfter: passSeconds(passed + 1, random()) } },
          });
        }
        const again = later(rested.attempts > row.attempts ? 0 : rests + 1, delayMs);
        await settle({ rested, done, again });
        dueIn(delayMs);
      });
    } finally {
      release();
    }
  };
}

function toSettlement(verdict: Exclude<AttemptVerdict, { kind: 'rest' }>) {
  return verdict.kind === 'ended' ? { ended: verdict.ended } : {};
}
