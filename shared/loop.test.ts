import { expect, onTestFinished, test, vi } from 'vitest';
import { createLoop, type LoopOptions } from './loop.ts';

/** A loop whose steps return the results that the test pushes. Counts the steps that began. */
function createScriptedLoop(options: Partial<LoopOptions> = {}) {
  const results: (number | undefined | Error)[] = [];
  const begun = { steps: 0 };
  const failures: number[] = [];
  const loop = createLoop({
    async step() {
      begun.steps += 1;
      const result = results.shift();
      if (result instanceof Error) throw result;
      return result;
    },
    onFailure: (_, count) => failures.push(count),
    backoff: { baseMs: 1, capMs: 1 },
    random: () => 1,
    ...options,
  });
  onTestFinished(() => loop.stop());
  return { loop, results, begun, failures };
}

test('a step that returns 0 is followed by the next, and a step that returns undefined waits for a wake-up', async () => {
  const { loop, results, begun } = createScriptedLoop();
  results.push(0, 1, undefined);
  loop.wake();
  await vi.waitFor(() => expect(begun.steps).toBe(4));
  loop.wake();
  await vi.waitFor(() => expect(begun.steps).toBe(5));
});

test('a wake-up during a step begins another step after it, and steps never overlap', async () => {
  const first = Promise.withResolvers<undefined>();
  let running = 0;
  let steps = 0;
  const { loop } = createScriptedLoop({
    async step() {
      steps += 1;
      running += 1;
      expect(running).toBe(1);
      if (steps === 1) await first.promise;
      running -= 1;
      return undefined;
    },
  });
  loop.wake();
  loop.wake();
  expect(steps).toBe(1);
  first.resolve(undefined);
  await vi.waitFor(() => expect(steps).toBe(2));
});

test('failures are counted in a row, and the count begins again after a success', async () => {
  const { loop, results, failures } = createScriptedLoop();
  results.push(new Error('one'), new Error('two'), 0, new Error('three'));
  loop.wake();
  await vi.waitFor(() => expect(failures).toEqual([1, 2, 1]));
});

test('a wake-up does not shorten a back-off, but retryNow does', async () => {
  const { loop, results, begun, failures } = createScriptedLoop({ backoff: { baseMs: 60_000, capMs: 60_000 } });
  results.push(new Error('away'));
  loop.wake();
  await vi.waitFor(() => expect(failures).toEqual([1]));
  loop.wake();
  await new Promise((resolve) => setImmediate(resolve));
  const { steps } = begun;
  loop.retryNow();
  await vi.waitFor(() => expect(begun.steps).toBe(steps + 1));
});

test('retryNow during a step that then fails skips the back-off', async () => {
  const first = Promise.withResolvers<undefined>();
  let steps = 0;
  const { loop, failures } = createScriptedLoop({
    backoff: { baseMs: 60_000, capMs: 60_000 },
    async step() {
      steps += 1;
      return steps === 1 ? first.promise : undefined;
    },
  });
  loop.retryNow();
  first.reject(new Error('away'));
  await vi.waitFor(() => expect(steps).toBe(2));
  expect(failures).toEqual([1]);
});

test('of several times to wake at the earliest counts', async () => {
  const { loop, begun } = createScriptedLoop();
  loop.wakeIn(60_000);
  loop.wakeIn(1);
  loop.wakeIn(60_000);
  await vi.waitFor(() => expect(begun.steps).toBe(2));
});

test('stop aborts the signal, waits for the running step, and begins no further step', async () => {
  const ended = Promise.withResolvers<undefined>();
  let signalled = false;
  let steps = 0;
  const { loop } = createScriptedLoop({
    async step(signal) {
      steps += 1;
      signal.addEventListener('abort', () => {
        signalled = true;
      });
      return ended.promise;
    },
  });
  let stopped = false;
  const stopping = loop.stop().then(() => {
    stopped = true;
  });
  await Promise.resolve();
  expect(signalled).toBe(true);
  expect(stopped).toBe(false);
  ended.resolve(undefined);
  await stopping;
  loop.wake();
  await loop.stop();
  expect(steps).toBe(1);
});

test('a back-off lasts at least minBackoffMs', async () => {
  const waits: number[] = [];
  const clock = {
    async sleep(ms: number) {
      waits.push(ms);
    },
  };
  const { loop, results } = createScriptedLoop({ clock, random: () => 0, minBackoffMs: 5 });
  results.push(new Error('away'));
  loop.wake();
  await vi.waitFor(() => expect(waits).toEqual([5]));
});

test('stop during onFailure ends the loop without a back-off', async () => {
  const stopped = Promise.withResolvers<void>();
  let steps = 0;
  const { loop } = createScriptedLoop({
    async step() {
      steps += 1;
      throw new Error('away');
    },
    onFailure: () => stopped.resolve(loop.stop()),
    backoff: { baseMs: 60_000, capMs: 60_000 },
  });
  await stopped.promise;
  expect(steps).toBe(1);
});
