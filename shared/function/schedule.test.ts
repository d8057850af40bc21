import { describe, expect, test } from 'vitest';
import { describeCronProblem, findDueTick, findNextTick, graceMs } from './schedule.ts';

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
])('%s: problem %s', (cron, problem) => {
  expect(describeCronProblem(cron)).toBe(problem);
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
])('%j is not a cron expression', (cron) => {
  expect(describeCronProblem(cron)).toMatch(/^must be a cron expression/);
});

describe('the next tick', () => {
  test('is after the moment, never at it', () => {
    expect(findNextTick(hourly, noon)).toBe(noon + hour);
    expect(findNextTick(hourly, noon - 1)).toBe(noon);
  });

  test('follows the wall clock of its time zone through changes of summer time', () => {
    const daily = { cron: '30 9 * * *', timezone: 'Europe/Rome' };
    expect(findNextTick(daily, at('2026-03-28T12:00:00Z'))).toBe(at('2026-03-29T07:30:00Z'));
    expect(findNextTick(daily, at('2026-03-27T12:00:00Z'))).toBe(at('2026-03-28T08:30:00Z'));
    expect(findNextTick(daily, at('2026-10-24T12:00:00Z'))).toBe(at('2026-10-25T08:30:00Z'));
  });

  test('comes once in a night in which the clock skips or repeats its hour', () => {
    const night = { cron: '30 2 * * *', timezone: 'Europe/Rome' };
    const ticks = (from: string, days: number) => {
      let count = 0;
      for (let tick = findNextTick(night, at(from)); tick && tick < at(from) + days * 24 * hour; count += 1) {
        tick = findNextTick(night, tick);
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

  test('is undefined before its moment, and again after it ran', () => {
    expect(findDueTick(skip, noon - minute, noon - 1)).toBeUndefined();
    expect(findDueTick(skip, noon - minute, noon)).toEqual({ tick: noon, last: noon });
    expect(findDueTick(skip, noon, noon + 1)).toBeUndefined();
  });

  test('may be a little late', () => {
    expect(findDueTick(skip, noon - minute, noon + graceMs)).toEqual({ tick: noon, last: noon });
  });

  test('is left out when it is missed', () => {
    expect(findDueTick(skip, noon - minute, noon + graceMs + 1)).toBeUndefined();
    expect(findDueTick(skip, noon - minute, noon + 50 * hour + 1)).toEqual({
      tick: noon + 50 * hour,
      last: noon + 50 * hour,
    });
  });

  test('stands for all missed ticks when `missed` is once', () => {
    const now = noon + 50 * hour + 30 * minute;
    const due = findDueTick(once, noon - minute, now);
    expect(due).toEqual({ tick: noon, last: now - graceMs });
    expect(findDueTick(once, due?.last ?? 0, now)).toBeUndefined();
  });

  test('is undefined while the last tick lies ahead: the clock was set back', () => {
    expect(findDueTick(once, noon + hour, noon)).toBeUndefined();
    expect(findDueTick(once, noon - 1, noon)).toEqual({ tick: noon, last: noon });
  });
});
