/**
 * Which job asks for which invocation. Those of a trigger run in turn, in a lane of their own, for which one job is
 * enough however many wait; each other one has its own.
 */
import { backoffDelay } from '@skerry/shared/backoff.ts';
import type { JobInsert } from 'pg-boss';
import * as z from 'zod';
import type { QueueName } from './boss.ts';

/**
 * How often in a row control planes that reach nobody who may run it have passed it on, and what the others must reach
 * to take it up before its time.
 */
const passing = {
  passed: z.number().default(0),
  function: z.string().optional(),
  agent: z.string().optional(),
};
/** What a job of the queue `lanes` says: whose turn it is. */
export const laneJobSchema = z.object({ trigger: z.string(), ...passing });
/** What jobs of the queues `invocations` and `callbacks` say; `rests` counts how often in a row it had to wait. */
export const invocationJobSchema = z.object({ id: z.string(), rests: z.number().default(0), ...passing });
/** What either says of its passing. */
export const passedJobSchema = z.object(passing);

type Wanting = { readonly id: string; readonly triggerId?: string | null | undefined };

/** @param startAfter when it shall be looked at; absent: now */
export function jobsFor(invocations: readonly Wanting[], startAfter?: Date): [QueueName, JobInsert[]][] {
  const alone = invocations.filter(({ triggerId }) => !triggerId);
  const triggers = new Set(invocations.flatMap(({ triggerId }) => triggerId ?? []));
  const later = startAfter && { startAfter: startAfter.toISOString() };
  return [
    ['invocations', alone.map(({ id }) => ({ data: { id }, ...later }))],
    // In one order everywhere: two that ask for the same lanes at once do not wait for each other in a circle.
    ['lanes', [...triggers].sort().map(laneJob)],
  ];
}

/** Of a trigger, one waits and one runs at most. */
export function laneJob(trigger: string): JobInsert {
  return { data: { trigger }, singletonKey: trigger, group: { id: trigger } };
}

const passPace = { baseMs: 500, capMs: 60_000 };
const leastPassMs = 200;

/**
 * Seconds after which one that was passed on is looked at again. It need not be short for long: whoever reaches somebody
 * takes up what was passed on (db/events/invocation-sweep.ts, `takeUp`).
 */
export function passSeconds(passed: number, random: number): number {
  return backoffDelay(passed, random, leastPassMs, passPace) / 1_000;
}
