import { expect, test } from 'vitest';
import { createLogThrottle } from './log-throttle.ts';

test('each peer gets one line per interval, with the count since its last line', () => {
  let time = 0;
  const tell = createLogThrottle(1_000, () => time);
  expect([tell('a', 3), tell('a', 2), tell('b', 1), tell('a', 4)]).toEqual([3, undefined, 1, undefined]);
  time = 1_000;
  expect([tell('a', 1), tell('a', 1)]).toEqual([7, undefined]);
});
