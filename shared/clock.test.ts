import { expect, test } from 'vitest';
import { sleep } from './clock.ts';

test('a rest takes its time, and ends with the signal', async () => {
  const { signal } = new AbortController();
  const start = performance.now();
  await sleep(50, signal);
  expect(performance.now() - start).toBeGreaterThan(40);

  const ending = new AbortController();
  const resting = sleep(60_000, ending.signal);
  ending.abort();
  await resting;
  await sleep(60_000, ending.signal);
});
