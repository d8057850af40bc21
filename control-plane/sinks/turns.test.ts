import { expect, test } from 'vitest';
import { createSleep } from './sleep.ts';
import { createTurns } from './turns.ts';

const never = new AbortController().signal;

test('so many at one time, first come, first served; who goes away loses its place only', async () => {
  const turns = createTurns(2);
  const first = await turns.take(never);
  const second = await turns.take(never);
  const leaving = new AbortController();
  const order: string[] = [];
  const left = turns.take(leaving.signal).catch(() => order.push('left'));
  const third = turns.take(never).then((giveBack) => {
    order.push('third');
    return giveBack;
  });
  leaving.abort();
  await left;
  first();
  first();
  const giveBackThird = await third;
  expect(order).toEqual(['left', 'third']);
  let fourth = false;
  const waiting = turns.take(never).then((giveBack) => {
    fourth = true;
    return giveBack;
  });
  await Promise.resolve();
  expect(fourth).toBe(false);
  second();
  (await waiting)();
  giveBackThird();
  await expect(turns.take(leaving.signal)).rejects.toThrow();
});

test('a sleep ends when it is woken, before or after; a rest does not; both end with the signal', async () => {
  const closing = new AbortController();
  const sleep = createSleep(closing.signal);
  sleep.wake();
  await sleep.untilWoken();
  sleep.clear();
  const sleeping = sleep.untilWoken();
  sleep.wakeIn(60_000);
  sleep.wakeIn(1);
  await sleeping;

  const start = performance.now();
  const resting = sleep.rest(50);
  sleep.wake();
  await resting;
  expect(performance.now() - start).toBeGreaterThan(40);

  sleep.clear();
  const ended = Promise.all([sleep.untilWoken(), sleep.rest(60_000)]);
  closing.abort();
  await ended;
  await sleep.untilWoken();
  await sleep.rest(60_000);
});
