/**
 * Jobs of invocations. Events of a trigger run in a lane, for which one job is enough for any number of them. Each
 * other invocation has a job of its own.
 */
import { backoffDelay } from '@skerry/shared/backoff.ts';
import type { JobInsert } from 'pg-boss';
import * as z from 'zod';
import type { QueueName } from './boss.ts';

/**
 * How often in a row control planes without a fitting agent have passed the job on, and which agents another control
 * plane needs to take it up early.
 */
const passing = {
  passed: z.number().default(0),
  function: z.string().optional(),
  agent: z.string().optional(),
};
/** Data of a job of the queue `lanes`. */
export const laneJobSchema = z.object({ trigger: z.string(), ...passing });
/** Data of jobs of the queues `invocations` and `callbacks`; `rests` counts delays in a row. */
export const invocationJobSchema = z.object({ id: z.string(), rests: z.number().default(0), ...passing });
/** The common data of passing a job on. */
export const passedJobSchema = z.object(passing);

type Wanting = { readonly id: string; readonly triggerId?: string | null | undefined };

/** @param startAfter when the job is due; absent: now */
export function jobsFor(invocations: readonly Wanting[], startAfter?: Date): [QueueName, JobInsert[]][] {
  const alone = invocations.filter(({ triggerId }) => !triggerId);
  const triggers = new Set(invocations.flatMap(({ triggerId }) => triggerId ?? []));
  const later = startAfter && { startAfter: startAfter.toISOString() };
  return [
    ['invocations', alone.map(({ id }) => ({ data: { id }, ...later }))],
    // In one order everywhere: two processes that ask for the same lanes at once do not wait for each other in a
    // circle.
    ['lanes', [...triggers].sort().map(laneJob)],
  ];
}

/** Of a trigger, at most one job waits and one runs. */
export function laneJob(trigger: string): JobInsert {
  return { data: { trigger }, singletonKey: trigger, group: { id: trigger } };
}

const passPace = { baseMs: 500, capMs: 60_000 };
const leastPassMs = 200;

/**
 * Seconds after which a passed job is looked at again. It need not be short: a control plane with a fitting agent takes
 * the job up early (db/events/invocation-sweep.ts, `takeUp`).
 */
export function passSeconds(passed: number, random: number): number {
  return backoffDelay(passed, random, leastPassMs, passPace) / 1_000;
}
