/** A lane whose rows others change, and whose writes the database refuses. */
import { randomUUIDv7 } from 'node:crypto';
import { expect, test } from 'vitest';
import { createSemaphore } from '../../async/semaphore.ts';
import { createWakeup } from '../../async/wakeup.ts';
import type { Claimed } from '../../db/events/claims.ts';
import { createInProgress } from '../in-progress.ts';
import { createDelays } from './interruptible-delay.ts';
import { type LaneOptions, runLane } from './trigger-lane.ts';

const waiting = (): Claimed => ({
  id: randomUUIDv7(),
  seq: 1,
  functionId: randomUUIDv7(),
  module: '_',
  name: 'f',
  origin: 'mqtt',
  triggerId: randomUUIDv7(),
  attempts: 0,
  revision: 0,
  agent: null,
  input: null,
  http: null,
  onlyAgent: null,
  traceparent: null,
  createdAt: new Date(),
});

/** With a concurrency of 1; every attempt ends at once. */
const options = (more: Partial<LaneOptions>): LaneOptions => ({
  trigger: 't',
  concurrency: () => 1,
  claimsAhead: () => true,
  claimNext: async () => [],
  claim: async () => undefined,
  attempt: async () => ({ kind: 'over' }),
  reaches: () => true,
  begun: () => {},
  settle: async () => {},
  inProgress: createInProgress(),
  slots: createSemaphore(1),
  rests: createDelays(),
  wakeup: createWakeup(),
  stopping: new AbortController().signal,
  ...more,
});

test('an event that another control plane commits without a wake-up is found before the lane ends', async () => {
  const late = waiting();
  const run: string[] = [];
  let looks = 0;
  await runLane(
    options({
      claimNext: async () => {
        looks += 1;
        return looks === 2 ? [late] : [];
      },
      attempt: async ({ id }) => {
        run.push(id);
        return { kind: 'over' };
      },
    }),
  );
  expect(run).toEqual([late.id]);
});

test('a lane whose writes fail keeps no invocation, and reports the failure', async () => {
  const stopping = new AbortController();
  const inProgress = createInProgress();
  const slots = createSemaphore(1);
  const rows = [waiting(), waiting(), waiting()];
  await slots.acquire(stopping.signal);
  const lane = runLane(
    options({
      claimNext: async () => rows,
      settle: () => Promise.reject(new Error('no')),
      inProgress,
      slots,
      stopping: stopping.signal,
    }),
  );
  await expect.poll(() => inProgress.ids.size).toBe(3);
  stopping.abort();
  await expect(lane).rejects.toThrow('no');
  expect([...inProgress.ids]).toEqual([]);
});

test('a lane that can claim no more waits for its running events before it fails', async () => {
  const inProgress = createInProgress();
  const gate = Promise.withResolvers<void>();
  let looks = 0;
  let ended = false;
  const wakeup = createWakeup();
  const lane = runLane(
    options({
      claimNext: async () => {
        looks += 1;
        if (looks === 1) return [waiting()];
        gate.resolve();
        throw new Error('no');
      },
      attempt: async () => {
        wakeup.wake();
        await gate.promise;
        await new Promise(setImmediate);
        ended = true;
        return { kind: 'over' };
      },
      inProgress,
      wakeup,
    }),
  );
  await expect(lane).rejects.toThrow('no');
  expect(ended).toBe(true);
  expect([...inProgress.ids]).toEqual([]);
});
