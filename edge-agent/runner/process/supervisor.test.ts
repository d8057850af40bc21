import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RunnerProcess } from './process.ts';
import { createSupervisor } from './supervisor.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A supervisor of processes that end on request. A new process is requested after each loss. */
function supervise() {
  const starts: number[] = [];
  let end = (_how: string) => {};
  const supervisor = createSupervisor({
    random: () => 0.999,
    now: Date.now,
    start: async (onExit): Promise<RunnerProcess> => {
      starts.push(Date.now());
      end = onExit;
      return { pid: undefined, send: () => {}, kill: () => onExit('killed') };
    },
    onUp: () => {},
    onLost: () => supervisor.get(),
  });
  return { supervisor, starts, end: () => end('killed') };
}

test('starts the process on demand, and one at a time', async () => {
  const { supervisor, starts } = supervise();
  expect(starts).toHaveLength(0);
  expect(supervisor.get()).toBeUndefined();
  supervisor.get();
  await vi.advanceTimersByTimeAsync(0);
  expect(supervisor.get()).toBeDefined();
  expect(starts).toHaveLength(1);
});

test('a crash loop waits longer each time, up to a cap', async () => {
  const { supervisor, starts, end } = supervise();
  supervisor.get();
  await vi.advanceTimersByTimeAsync(0);
  const waits: number[] = [];
  for (let loss = 0; loss < 12; loss++) {
    const lostAt = Date.now();
    end();
    await vi.advanceTimersByTimeAsync(10_000);
    waits.push((starts.at(-1) ?? 0) - lostAt);
  }
  expect(waits.slice(0, 5)).toEqual([0, 100, 200, 400, 799]);
  expect(waits.at(-1)).toBe(9_990);
  expect(supervisor.restarts).toBe(12);
});

test('a process that lived long enough is replaced at once', async () => {
  const { supervisor, starts, end } = supervise();
  supervisor.get();
  await vi.advanceTimersByTimeAsync(0);
  for (let round = 0; round < 3; round++) {
    await vi.advanceTimersByTimeAsync(60_000);
    const lostAt = Date.now();
    end();
    await vi.advanceTimersByTimeAsync(0);
    expect(starts.at(-1)).toBe(lostAt);
  }
  await supervisor.close();
  expect(supervisor.get()).toBeUndefined();
});
