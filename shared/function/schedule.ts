/**
 * When a schedule ticks. Pure: time comes in as milliseconds since the epoch, the caller owns the timer. Expressions
 * and time zones are croner's business, changes to and from summer time included.
 */
import { Cron } from 'croner';

export type Schedule = {
  readonly cron: string;
  readonly timezone: string;
  readonly missed: 'skip' | 'once';
};

/** Milliseconds by which a tick may be late and still count as kept: timers and restarts are not exact. */
export const graceMs = 5_000;

/** A moment like any other: what an expression is worth must not hang on when one asks. */
const anyMoment = new Date(Date.UTC(2000, 0, 1));

/**
 * Why this is not a cron expression that ever ticks, for a person; undefined when it is one. The answer is the same for
 * ever: what was stored once as an expression stays one.
 */
export function cronProblem(expression: string): string | undefined {
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

/** The first tick after a moment; undefined when there is none any more. */
export function nextTick({ cron, timezone }: Pick<Schedule, 'cron' | 'timezone'>, after: number): number | undefined {
  return parse(cron, timezone).nextRun(new Date(after))?.getTime();
}

/** A tick to run, and the moment that counts as `last` from then on. */
export type DueTick = { readonly tick: number; readonly last: number };

/**
 * The tick to run now, if any. Ask again with the new `last` until there is none.
 *
 * A tick is missed when it is more than `graceMs` late. Missed ticks are left out, or one is run for all of them.
 *
 * @param last moment of the tick that ran last, or at which the schedule began. One that lies ahead of `now` means that
 *   the clock was set back: whoever keeps it sets it to `now`. A tick that then comes a second time has the same
 *   moment, and so the same invocation id
 */
export function dueTick(schedule: Schedule, last: number, now: number): DueTick | undefined {
  const recent = now - graceMs;
  const first = nextTick(schedule, last);
  if (first === undefined || first > now) return undefined;
  if (first >= recent) return { tick: first, last: first };
  if (schedule.missed === 'once') return { tick: first, last: recent };
  const next = nextTick(schedule, recent);
  return next !== undefined && next <= now ? { tick: next, last: next } : undefined;
}

/** Five fields, or six. croner takes dates and nicknames (`@daily`), too: a date ticks once, and then never again. */
function parse(expression: string, timezone: string): Cron {
  if (!/^\s*(?:[\w*/,?+#-]+(?:\s+|$)){5,6}$/.test(expression))
    throw new Error('five fields, or six with seconds first');
  return new Cron(expression, { timezone, mode: '5-or-6-parts' });
}
