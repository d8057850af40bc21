import { describe, expect, test } from 'vitest';
import { cronProblem, dueTick, graceMs, nextTick } from './schedule.ts';

const at = (text: string) => Date.parse(text);
const hourly = { cron: '0 * * * *', timezone: 'UTC' };
const noon = at('2026-03-01T12:00:00Z');
const minute = 60_000;
const hour = 60 * minute;

test.each([
  ['*/5 * * * *', undefined],
  ['*/5 * * * * *', undefined],
  ['30 2 29 2 *', undefined],
  ['0 0 31 2 *', 'never ticks'],
])('%s is %s', (cron, problem) => {
  expect(cronProblem(cron)).toBe(problem);
});

test.each([
  '',
  'often',
  '* * * *',
  '61 * * * *',
  '* * * * * * *',
  '@daily',
  '2999-01-01T00:00:00',
  '2999-01-01T00:00:00 * * * *',
])('%j is no expression', (cron) => {
  expect(cronProblem(cron)).toMatch(/^must be a cron expression/);
});

describe('the next tick', () => {
  test('is after the moment, never at it', () => {
    expect(nextTick(hourly, noon)).toBe(noon + hour);
    expect(nextTick(hourly, noon - 1)).toBe(noon);
  });

  test('goes by the clock on the wall of its time zone, through changes of summer time', () => {
    const daily = { cron: '30 9 * * *', timezone: 'Europe/Rome' };
    expect(nextTick(daily, at('2026-03-28T12:00:00Z'))).toBe(at('2026-03-29T07:30:00Z'));
    expect(nextTick(daily, at('2026-03-27T12:00:00Z'))).toBe(at('2026-03-28T08:30:00Z'));
    expect(nextTick(daily, at('2026-10-24T12:00:00Z'))).toBe(at('2026-10-25T08:30:00Z'));
  });

  test('comes once where the clock skips its hour, and where it repeats it', () => {
    const night = { cron: '30 2 * * *', timezone: 'Europe/Rome' };
    const ticks = (from: string, days: number) => {
      let count = 0;
      for (let tick = nextTick(night, at(from)); tick && tick < at(from) + days * 24 * hour; count += 1) {
        tick = nextTick(night, tick);
      }
      return count;
    };
    expect(ticks('2026-03-28T12:00:00Z', 2)).toBe(2);
    expect(ticks('2026-10-24T12:00:00Z', 2)).toBe(2);
  });
});

describe('the tick to run', () => {
  const skip = { ...hourly, missed: 'skip' } as const;
  const once = { ...hourly, missed: 'once' } as const;

  test('is none before its moment, then that one, then none again', () => {
    expect(dueTick(skip, noon - minute, noon - 1)).toBeUndefined();
    expect(dueTick(skip, noon - minute, noon)).toEqual({ tick: noon, last: noon });
    expect(dueTick(skip, noon, noon + 1)).toBeUndefined();
  });

  test('may be a little late', () => {
    expect(dueTick(skip, noon - minute, noon + graceMs)).toEqual({ tick: noon, last: noon });
  });

  test('is left out when it was missed', () => {
    expect(dueTick(skip, noon - minute, noon + graceMs + 1)).toBeUndefined();
    expect(dueTick(skip, noon - minute, noon + 50 * hour + 1)).toEqual({
      tick: noon + 50 * hour,
      last: noon + 50 * hour,
    });
  });

  test('is one for all that were missed, where they run once', () => {
    const now = noon + 50 * hour + 30 * minute;
    const due = dueTick(once, noon - minute, now);
    expect(due).toEqual({ tick: noon, last: now - graceMs });
    expect(dueTick(once, due?.last ?? 0, now)).toBeUndefined();
  });

  test('is none while the last one lies ahead: the clock was set back', () => {
    expect(dueTick(once, noon + hour, noon)).toBeUndefined();
    expect(dueTick(once, noon - 1, noon)).toEqual({ tick: noon, last: noon });
  });
});
