import { expect, test } from 'vitest';
import { createTurns } from './semaphore.ts';

const never = new AbortController().signal;

test('so many at one time, first come, first served; who goes away loses its place only', async () => {
  const turns = createTurns(2);
  const first = await turns.take(never);
  const second = await turns.take(never);
  const leaving = new AbortController();
  const order: string[] = [];
  const left = turns.take(leaving.signal).then((giveBack) => giveBack ?? order.push('left'));
  const third = turns.take(never).then((giveBack) => {
    order.push('third');
    return giveBack;
  });
  leaving.abort();
  await left;
  first?.();
  first?.();
  const giveBackThird = await third;
  expect(order).toEqual(['left', 'third']);
  let fourth = false;
  const waiting = turns.take(never).then((giveBack) => {
    fourth = true;
    return giveBack;
  });
  await Promise.resolve();
  expect(fourth).toBe(false);
  second?.();
  (await waiting)?.();
  giveBackThird?.();
  expect(await turns.take(leaving.signal)).toBeUndefined();
  expect(await turns.take(never)).toBeTypeOf('function');
});
