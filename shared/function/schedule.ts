/**
 * When a schedule ticks. Pure: times are parameters, in milliseconds since the epoch, and the caller owns the timer.
 * croner evaluates the expressions and the time zones, including changes to and from summer time.
 */
import { Cron } from 'croner';

type Schedule = {
  readonly cron: string;
  readonly timezone: string;
  readonly missed: 'skip' | 'once';
};

/** Delay up to which a tick counts as on time, in milliseconds: timers and restarts are not exact. */
export const graceMs = 5_000;

/** A fixed moment: whether an expression is valid must not depend on the current time. */
const anyMoment = new Date(Date.UTC(2000, 0, 1));

/**
 * Checks a cron expression. The answer never changes, so that a stored expression stays valid.
 * @returns why the expression is invalid or never ticks, for a person. Undefined for a valid expression
 */
export function describeCronProblem(expression: string): string | undefined {
  try {
    return parse(expression, 'UTC').nextRun(anyMoment) ? undefined : 'never ticks';
  } catch (error) {
    return `must be a cron expression (${(error as Error).message})`;
  }
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** @returns the first tick after the moment, or undefined when the schedule has ended */
export function findNextTick(
  { cron, timezone }: Pick<Schedule, 'cron' | 'timezone'>,
  after: number,
): number | undefined {
  return parse(cron, timezone).nextRun(new Date(after))?.getTime();
}

/** A tick to run, and the moment to pass as `last` after it. */
export type DueTick = { readonly tick: number; readonly last: number };

/**
 * Finds the tick to run now. The caller repeats the call with the new `last` until the answer is undefined.
 *
 * A tick is missed when it is more than `graceMs` late. The schedule's `missed` decides: missed ticks are left out, or
 * one of them runs for all.
 *
 * @param last moment of the last tick that ran, or of the start of the schedule. When `last` lies ahead of `now`, the
 *   clock was set back, and the caller must set `last` to `now`. A tick that then comes a second time has the same
 *   moment, and so the same invocation id
 */
export function findDueTick(schedule: Schedule, last: number, now: number): DueTick | undefined {
  const recent = now - graceMs;
  const first = findNextTick(schedule, last);
  if (first === undefined || first > now) return undefined;
  if (first >= recent) return { tick: first, last: first };
  if (schedule.missed === 'once') return { tick: first, last: recent };
  const next = findNextTick(schedule, recent);
  return next !== undefined && next <= now ? { tick: next, last: next } : undefined;
}

/** Five or six fields. croner also takes dates and nicknames (`@daily`), which we refuse: a date ticks only once. */
function parse(expression: string, timezone: string): Cron {
  if (!/^\s*(?:[\w*/,?+#-]+(?:\s+|$)){5,6}$/.test(expression))
    throw new Error('five fields, or six with seconds first');
  return new Cron(expression, { timezone, mode: '5-or-6-parts' });
}
