import { expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { createEventQueue } from './event-queue.ts';
import type { Intake, NewEvent, RecordResult } from './intake.ts';

function start(record: (event: NewEvent) => Promise<RecordResult>) {
  const ending = new AbortController();
  const settled: number[] = [];
  const opened = Promise.withResolvers<void>();
  const intake: Intake = {
    record,
    waitForRoom: () => opened.promise,
    lastTick: async () => undefined,
    setLastTick: async () => undefined,
  };
  const queue = createEventQueue({
    trigger: 't',
    intake,
    limit: { maxPending: 10, whenFull: 'hold' },
    clock: systemClock,
    random: () => 0,
    signal: ending.signal,
    onSettled: () => undefined,
  });
  const add = (n: number, { canWait = true, bytes = 1 } = {}) =>
    queue.add({
      event: {
        id: `${n}`,
        named: false,
        trigger: 't',
        function: 'f',
        origin: 'mqtt',
        input: new Uint8Array(bytes),
        createdAt: n,
      },
      canWait,
      settle: () => settled.push(n),
    });
  return { queue, add, settled, open: opened.resolve, end: () => ending.abort() };
}

test('messages that are added during a wave go into the next wave together', async () => {
  const waves: number[] = [];
  let wave = 0;
  const { queue, add, settled, end } = start(async () => {
    wave += 1;
    await new Promise((resolve) => setImmediate(resolve));
    if (wave > 0) waves.push(wave);
    wave = 0;
    return 'recorded';
  });
  for (let n = 0; n < 100; n += 1) add(n);
  await expect.poll(() => settled.length).toBe(100);
  expect(settled).toEqual(Array.from({ length: 100 }, (_, n) => n));
  expect(waves.length).toBeLessThanOrEqual(2);
  end();
  await queue.done;
});

test('with no room, messages that can wait keep their order, and the others are dropped', async () => {
  let room = 2;
  const recorded: number[] = [];
  const { queue, add, settled, open, end } = start(async ({ createdAt }) => {
    if (room === 0) return 'full';
    room -= 1;
    recorded.push(createdAt);
    return 'recorded';
  });
  for (let n = 0; n < 6; n += 1) add(n, { canWait: n !== 3 });
  await expect.poll(() => queue.trouble).toBe('there is no room for more events');
  add(6, { canWait: false });
  expect(queue.dropped).toBe(2);
  room = 100;
  open();
  await expect.poll(() => settled.length).toBe(7);
  expect(recorded).toEqual([0, 1, 2, 4, 5]);
  expect(queue.trouble).toBeUndefined();
  end();
  await queue.done;
});

test('an intake that reports room and then refuses does not make the queue spin', async () => {
  let calls = 0;
  const { queue, add, open, end } = start(async () => {
    calls += 1;
    return 'full';
  });
  open();
  add(0);
  const began = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(performance.now() - began).toBeLessThan(2_000);
  expect(calls).toBeGreaterThan(0);
  expect(calls).toBeLessThanOrEqual(5);
  expect(queue.trouble).toBe('there is no room for more events');
  end();
  await queue.done;
});

test('has room for a bounded number of bytes, and reports when there is room again', async () => {
  const gate = Promise.withResolvers<RecordResult>();
  const { queue, add, end } = start(() => gate.promise);
  add(0, { bytes: 5 * 1024 * 1024 });
  expect(queue.hasRoom).toBe(false);
  const room = queue.whenRoom(new AbortController().signal);
  gate.resolve('recorded');
  await room;
  expect(queue.hasRoom).toBe(true);
  end();
  await queue.done;
});
