/** The timers of an instance: when poll timers fire, where their errors go, and that nothing outlives the call. */
import { expect, test } from 'vitest';
import { createPollTimers } from './poll-timers.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

function timersOf() {
  const faults: unknown[] = [];
  return { timers: createPollTimers((error) => faults.push(error)), faults };
}

test('a poll fires again soon after progress of the host', async () => {
  const { timers } = timersOf();
  let asked = 0;
  timers.setInterval(() => {
    asked += 1;
  });
  for (let turns = 0; turns < 50; turns++) await turn();
  const before = asked;
  timers.wake();
  await turn();
  await turn();
  expect(asked).toBeGreaterThan(before);
  expect(before).toBeLessThan(50);
  timers.stop();
});

test('a poll fires in the end without progress, and stops when it is cleared', async () => {
  const { timers } = timersOf();
  const answer = Promise.withResolvers<number>();
  let asked = 0;
  const timer = timers.setInterval(() => {
    asked += 1;
    if (asked < 12) return;
    timers.clearInterval(timer);
    answer.resolve(asked);
  });
  expect(await answer.promise).toBe(12);
  timers.wake();
  for (let turns = 0; turns < 20; turns++) await turn();
  expect(asked).toBe(12);
});

test('immediate work runs at once while polls fire ever more rarely', async () => {
  const { timers } = timersOf();
  const order: string[] = [];
  timers.setTimeout(() => order.push('question'), 10);
  timers.setTimeout(() => order.push('at once'), 0);
  for (let turns = 0; turns < 3; turns++) await turn();
  expect(order).toEqual(['at once', 'question']);
});

test('thrown errors and rejections go to the instance', async () => {
  const { timers, faults } = timersOf();
  timers.setTimeout(() => {
    throw 'thrown';
  });
  timers.setTimeout(async () => {
    throw 'rejected';
  }, 10);
  timers.queueMicrotask(async () => {
    throw 'in a job';
  });
  for (let turns = 0; turns < 5; turns++) await turn();
  expect(faults.toSorted()).toEqual(['in a job', 'rejected', 'thrown']);
});

test('no timer runs after the call', async () => {
  const { timers } = timersOf();
  const ran: string[] = [];
  const all = () => {
    timers.setTimeout(() => ran.push('timeout'));
    timers.setTimeout(() => ran.push('question'), 10);
    timers.setInterval(() => ran.push('interval'));
    timers.queueMicrotask(() => ran.push('job'));
  };
  all();
  timers.stop();
  all();
  timers.wake();
  for (let turns = 0; turns < 20; turns++) await turn();
  expect(ran).toEqual([]);
});

test('a guest cannot have any number of them', () => {
  const { timers } = timersOf();
  expect(() => {
    for (let count = 0; count < 200_000; count++) timers.setInterval(() => undefined);
  }).toThrow('tasks and streams that wait');
  timers.stop();
});
