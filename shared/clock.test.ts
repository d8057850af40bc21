import { expect, test } from 'vitest';
import { sleep } from './clock.ts';

test('sleep resolves after its time, or when the signal aborts', async () => {
  const { signal } = new AbortController();
  const start = performance.now();
  await sleep(50, signal);
  expect(performance.now() - start).toBeGreaterThan(40);

  const ending = new AbortController();
  const sleeping = sleep(60_000, ending.signal);
  ending.abort();
  await sleeping;
  await sleep(60_000, ending.signal);
});
