import { expect, test } from 'vitest';
import type { Clock } from '../clock.ts';
import { deriveEventId, type Intake, type NewEvent, type RecordResult } from '../events/intake.ts';
import { scheduleParamsSchema } from '../function/triggers.ts';
import { createScheduleListener } from './schedule-listener.ts';

const at = (text: string) => Date.parse(text);

/** A clock that stands still until it is moved; whoever rests wakes when it has moved far enough. */
function createClock(start: number) {
  let now = start;
  /** Time that has passed, whatever the clock shows. */
  let passed = 0;
  const resting = new Set<{ readonly until: number; readonly wake: () => void }>();
  const settle = async () => {
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
  };
  const clock: Clock = {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const entry = { until: passed + ms, wake: resolve };
        resting.add(entry);
        signal.addEventListener('abort', () => resolve());
      }),
  };
  return {
    clock,
    settle,
    /** Sets what it shows; nobody is told. */
    set(moment: number) {
      now = moment;
    },
    async pass(ms: number) {
      const end = passed + ms;
      await settle();
      for (;;) {
        const next = [...resting].sort((a, b) => a.until - b.until)[0];
        if (!next || next.until > end) break;
        now += next.until - passed;
        passed = next.until;
        resting.delete(next);
        next.wake();
        await settle();
      }
      now += end - passed;
      passed = end;
    },
  };
}

function createIntake(last?: number) {
  const events: NewEvent[] = [];
  const ids = new Set<string>();
  const state = { answer: 'recorded' as RecordResult, away: false, last };
  const guard = () => {
    if (state.away) throw new Error('away');
  };
  const intake: Intake = {
    async record(event) {
      guard();
      if (ids.has(event.id)) return 'known';
      if (state.answer !== 'recorded') return state.answer;
      ids.add(event.id);
      events.push(event);
      state.last = event.tick;
      return 'recorded';
    },
    waitForRoom: async () => undefined,
    async lastTick() {
      guard();
      return state.last;
    },
    async setLastTick(_, moment) {
      guard();
      state.last = moment;
    },
  };
  return { intake, events, state, times: () => events.map(({ createdAt }) => new Date(createdAt).toISOString()) };
}

function listen(clock: Clock, intake: Intake, params: Record<string, unknown>, device?: string) {
  return createScheduleListener({
    trigger: 't',
    params: scheduleParamsSchema.parse(params),
    function: 'f',
    intake,
    clock,
    random: () => 0.5,
    device,
  });
}

test('ticks at its moments, with the arguments, under ids of their own', async () => {
  const time = createClock(at('2026-03-01T00:00:10Z'));
  const kept = createIntake();
  const listener = listen(time.clock, kept.intake, { cron: '* * * * *', args: { n: 1 } });
  await time.pass(120_000);
  expect(kept.times()).toEqual(['2026-03-01T00:01:00.000Z', '2026-03-01T00:02:00.000Z']);
  expect(kept.events[0]).toMatchObject({
    id: deriveEventId({ trigger: 't' }, String(at('2026-03-01T00:01:00Z'))),
    named: true,
    origin: 'schedule',
    input: new TextEncoder().encode('{"n":1}'),
    tick: at('2026-03-01T00:01:00Z'),
  });
  expect(listener.state).toMatchObject({ state: 'up', received: 2, next: at('2026-03-01T00:03:00Z') });
  await listener.stop(false);
});

test('on a device, its ticks are events of its own', async () => {
  const time = createClock(at('2026-03-01T00:00:10Z'));
  const kept = createIntake();
  const listeners = ['a', 'b'].map((device) => listen(time.clock, kept.intake, { cron: '* * * * *' }, device));
  await time.pass(60_000);
  const name = String(at('2026-03-01T00:01:00Z'));
  expect(kept.events.map(({ id }) => id)).toEqual(
    ['a', 'b'].map((device) => deriveEventId({ trigger: 't', device }, name)),
  );
  await Promise.all(listeners.map((listener) => listener.stop(false)));
});

test.each([
  ['skip', ['2026-03-01T03:00:00.000Z']],
  ['once', ['2026-03-01T02:30:00.000Z', '2026-03-01T03:00:00.000Z']],
] as const)('ticks missed while away: %s', async (missed, times) => {
  const time = createClock(at('2026-03-01T02:30:00Z'));
  const kept = createIntake(at('2026-03-01T00:00:00Z'));
  const listener = listen(time.clock, kept.intake, { cron: '0 * * * *', missed });
  await time.pass(3_600_000);
  expect(kept.times()).toEqual(times);
  await listener.stop(false);
});

test('a device that slept: the clock has moved without any time passing', async () => {
  const time = createClock(at('2026-03-01T00:00:00Z'));
  const kept = createIntake();
  const listener = listen(time.clock, kept.intake, { cron: '0 * * * *', missed: 'once' });
  await time.settle();
  time.set(at('2026-03-01T05:20:00Z'));
  await time.pass(30_000);
  expect(kept.times()).toEqual(['2026-03-01T05:20:30.000Z']);
  await listener.stop(false);
});

test('a clock that is set back: it goes on ticking, and what comes a second time is the same event', async () => {
  const time = createClock(at('2026-03-01T10:00:30Z'));
  const kept = createIntake();
  const listener = listen(time.clock, kept.intake, { cron: '* * * * *' });
  await time.pass(60_000);
  expect(kept.events).toHaveLength(1);
  time.set(at('2026-03-01T10:00:40Z'));
  await time.pass(60_000);
  expect(kept.events).toHaveLength(1);
  time.set(at('2026-03-01T08:00:30Z'));
  await time.pass(120_000);
  expect(kept.times().slice(1)).toEqual(['2026-03-01T08:01:00.000Z', '2026-03-01T08:02:00.000Z']);
  await listener.stop(false);
});

test('summer time: 2:30 does not come in the night when clocks go forward, and once when they go back', async () => {
  const kept = createIntake();
  const params = { cron: '30 2 * * *', timezone: 'Europe/Rome' };
  const spring = createClock(at('2026-03-28T12:00:00Z'));
  const first = listen(spring.clock, kept.intake, params);
  await spring.pass(48 * 3_600_000);
  await first.stop(false);
  const inSpring = kept.times();
  expect(inSpring.at(-1)).toBe('2026-03-30T00:30:00.000Z');
  expect(inSpring.length).toBeLessThanOrEqual(2);
  const autumn = createClock(at('2026-10-24T12:00:00Z'));
  const late = createIntake();
  const second = listen(autumn.clock, late.intake, params);
  await autumn.pass(24 * 3_600_000);
  expect(late.events).toHaveLength(1);
  await second.stop(false);
});

test('a tick without room is dropped and counted; one that cannot be written is tried until it is', async () => {
  const time = createClock(at('2026-03-01T00:00:30Z'));
  const kept = createIntake();
  const listener = listen(time.clock, kept.intake, { cron: '* * * * *' });
  kept.state.answer = 'full';
  await time.pass(60_000);
  expect(listener.state).toMatchObject({ received: 1, dropped: 1 });
  expect(kept.state.last).toBe(at('2026-03-01T00:01:00Z'));
  kept.state.answer = 'recorded';
  kept.state.away = true;
  await time.pass(60_000);
  expect(listener.state).toMatchObject({ state: 'holding', error: 'ticks cannot be kept now: away' });
  kept.state.away = false;
  await time.pass(10_000);
  expect(kept.events.map(({ tick }) => tick)).toEqual([at('2026-03-01T00:02:00Z')]);
  expect(listener.state).toMatchObject({ state: 'up', received: 2 });
  await listener.stop(false);
});

test('stops while the store is away', async () => {
  const time = createClock(at('2026-03-01T00:00:30Z'));
  const kept = createIntake();
  kept.state.away = true;
  const listener = listen(time.clock, kept.intake, { cron: '* * * * *' });
  await time.pass(10_000);
  await listener.stop(false);
  expect(listener.state.received).toBe(0);
});

test('stops while the store is silent, and asks nothing of it after', async () => {
  const time = createClock(at('2026-03-01T00:00:30Z'));
  const kept = createIntake();
  const opened = Promise.withResolvers<void>();
  let asked = 0;
  const silent: Intake = {
    ...kept.intake,
    async lastTick() {
      asked += 1;
      await opened.promise;
      return undefined;
    },
  };
  const listener = listen(time.clock, silent, { cron: '* * * * *' });
  let stopped = false;
  const stopping = listener.stop(false).then(() => {
    stopped = true;
  });
  await time.pass(4_999);
  expect(stopped).toBe(false);
  await time.pass(1);
  await stopping;
  opened.resolve();
  await time.pass(120_000);
  expect(asked).toBe(1);
  expect(kept.state.last).toBeUndefined();
  expect(kept.events).toEqual([]);
});
