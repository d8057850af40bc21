import { expect, test } from 'vitest';
import type { Clock } from '../clock.ts';
import { deriveEventId, type Intake, type NewEvent, type RecordResult } from '../events/intake.ts';
import { scheduleParamsSchema } from '../function/triggers.ts';
import { createScheduleListener } from './schedule-listener.ts';

const at = (text: string) => Date.parse(text);

/** A clock that stands still until the test moves it. A sleeper wakes when its time has passed. */
function createClock(start: number) {
  let now = start;
  /** Milliseconds that have passed, independent of the time that the clock shows. */
  let passed = 0;
  const sleeping = new Set<{ readonly until: number; readonly wake: () => void }>();
  const settle = async () => {
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
  };
  const clock: Clock = {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const entry = { until: passed + ms, wake: resolve };
        sleeping.add(entry);
        signal.addEventListener('abort', () => resolve());
      }),
  };
  return {
    clock,
    settle,
    /** Sets the time that the clock shows. Wakes no sleeper. */
    set(moment: number) {
      now = moment;
    },
    async pass(ms: number) {
      const end = passed + ms;
      await settle();
      for (;;) {
        const next = [...sleeping].sort((a, b) => a.until - b.until)[0];
        if (!next || next.until > end) break;
        now += next.until - passed;
        passed = next.until;
        sleeping.delete(next);
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

test('each tick comes at its moment, with the arguments and an id of its own', async () => {
  const time = createClock(at('2026-03-01T00:00:10Z'));
  const fake = createIntake();
  const listener = listen(time.clock, fake.intake, { cron: '* * * * *', args: { n: 1 } });
  await time.pass(120_000);
  expect(fake.times()).toEqual(['2026-03-01T00:01:00.000Z', '2026-03-01T00:02:00.000Z']);
  expect(fake.events[0]).toMatchObject({
    id: deriveEventId({ trigger: 't' }, String(at('2026-03-01T00:01:00Z'))),
    named: true,
    origin: 'schedule',
    input: new TextEncoder().encode('{"n":1}'),
    tick: at('2026-03-01T00:01:00Z'),
  });
  expect(listener.state).toMatchObject({ state: 'up', received: 2, next: at('2026-03-01T00:03:00Z') });
  await listener.stop(false);
});

test('the same tick is another event on each device', async () => {
  const time = createClock(at('2026-03-01T00:00:10Z'));
  const fake = createIntake();
  const listeners = ['a', 'b'].map((device) => listen(time.clock, fake.intake, { cron: '* * * * *' }, device));
  await time.pass(60_000);
  const name = String(at('2026-03-01T00:01:00Z'));
  expect(fake.events.map(({ id }) => id)).toEqual(
    ['a', 'b'].map((device) => deriveEventId({ trigger: 't', device }, name)),
  );
  await Promise.all(listeners.map((listener) => listener.stop(false)));
});

test.each([
  ['skip', ['2026-03-01T03:00:00.000Z']],
  ['once', ['2026-03-01T02:30:00.000Z', '2026-03-01T03:00:00.000Z']],
] as const)('ticks missed while away: %s', async (missed, times) => {
  const time = createClock(at('2026-03-01T02:30:00Z'));
  const fake = createIntake(at('2026-03-01T00:00:00Z'));
  const listener = listen(time.clock, fake.intake, { cron: '0 * * * *', missed });
  await time.pass(3_600_000);
  expect(fake.times()).toEqual(times);
  await listener.stop(false);
});

test('after a device slept, a tick that it missed runs: its clock moved while no timer did', async () => {
  const time = createClock(at('2026-03-01T00:00:00Z'));
  const fake = createIntake();
  const listener = listen(time.clock, fake.intake, { cron: '0 * * * *', missed: 'once' });
  await time.settle();
  time.set(at('2026-03-01T05:20:00Z'));
  await time.pass(30_000);
  expect(fake.times()).toEqual(['2026-03-01T05:20:30.000Z']);
  await listener.stop(false);
});

test('the schedule keeps ticking after the clock was set back, and a repeated tick is the same event', async () => {
  const time = createClock(at('2026-03-01T10:00:30Z'));
  const fake = createIntake();
  const listener = listen(time.clock, fake.intake, { cron: '* * * * *' });
  await time.pass(60_000);
  expect(fake.events).toHaveLength(1);
  time.set(at('2026-03-01T10:00:40Z'));
  await time.pass(60_000);
  expect(fake.events).toHaveLength(1);
  time.set(at('2026-03-01T08:00:30Z'));
  await time.pass(120_000);
  expect(fake.times().slice(1)).toEqual(['2026-03-01T08:01:00.000Z', '2026-03-01T08:02:00.000Z']);
  await listener.stop(false);
});

test('a tick at 2:30 comes at most once in a night in which the clocks change', async () => {
  const fake = createIntake();
  const params = { cron: '30 2 * * *', timezone: 'Europe/Rome' };
  const spring = createClock(at('2026-03-28T12:00:00Z'));
  const first = listen(spring.clock, fake.intake, params);
  await spring.pass(48 * 3_600_000);
  await first.stop(false);
  const inSpring = fake.times();
  expect(inSpring.at(-1)).toBe('2026-03-30T00:30:00.000Z');
  expect(inSpring.length).toBeLessThanOrEqual(2);
  const autumn = createClock(at('2026-10-24T12:00:00Z'));
  const late = createIntake();
  const second = listen(autumn.clock, late.intake, params);
  await autumn.pass(24 * 3_600_000);
  expect(late.events).toHaveLength(1);
  await second.stop(false);
});

test('a tick without room is dropped and counted, and a failed write is repeated until it succeeds', async () => {
  const time = createClock(at('2026-03-01T00:00:30Z'));
  const fake = createIntake();
  const listener = listen(time.clock, fake.intake, { cron: '* * * * *' });
  fake.state.answer = 'full';
  await time.pass(60_000);
  expect(listener.state).toMatchObject({ received: 1, dropped: 1 });
  expect(fake.state.last).toBe(at('2026-03-01T00:01:00Z'));
  fake.state.answer = 'recorded';
  fake.state.away = true;
  await time.pass(60_000);
  expect(listener.state).toMatchObject({ state: 'holding', error: 'ticks cannot be kept now: away' });
  fake.state.away = false;
  await time.pass(10_000);
  expect(fake.events.map(({ tick }) => tick)).toEqual([at('2026-03-01T00:02:00Z')]);
  expect(listener.state).toMatchObject({ state: 'up', received: 2 });
  await listener.stop(false);
});

test('the listener stops while the store is away', async () => {
  const time = createClock(at('2026-03-01T00:00:30Z'));
  const fake = createIntake();
  fake.state.away = true;
  const listener = listen(time.clock, fake.intake, { cron: '* * * * *' });
  await time.pass(10_000);
  await listener.stop(false);
  expect(listener.state.received).toBe(0);
});

test('the listener stops while the store is silent, and asks it nothing more', async () => {
  const time = createClock(at('2026-03-01T00:00:30Z'));
  const fake = createIntake();
  const opened = Promise.withResolvers<void>();
  let reads = 0;
  const silent: Intake = {
    ...fake.intake,
    async lastTick() {
      reads += 1;
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
  expect(reads).toBe(1);
  expect(fake.state.last).toBeUndefined();
  expect(fake.events).toEqual([]);
});
