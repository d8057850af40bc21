import { expect, test } from 'vitest';
import { createSemaphore } from './semaphore.ts';

const never = new AbortController().signal;

test('limits concurrency, serves waiters in order, and an aborted waiter frees its place', async () => {
  const semaphore = createSemaphore(2);
  const first = await semaphore.acquire(never);
  const second = await semaphore.acquire(never);
  const leaving = new AbortController();
  const order: string[] = [];
  const left = semaphore.acquire(leaving.signal).then((release) => release ?? order.push('left'));
  const third = semaphore.acquire(never).then((release) => {
    order.push('third');
    return release;
  });
  leaving.abort();
  await left;
  first?.();
  first?.();
  const giveBackThird = await third;
  expect(order).toEqual(['left', 'third']);
  let fourth = false;
  const waiting = semaphore.acquire(never).then((release) => {
    fourth = true;
    return release;
  });
  await Promise.resolve();
  expect(fourth).toBe(false);
  second?.();
  (await waiting)?.();
  giveBackThird?.();
  expect(await semaphore.acquire(leaving.signal)).toBeUndefined();
  expect(await semaphore.acquire(never)).toBeTypeOf('function');
});
