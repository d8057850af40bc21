/** A lane over what others do to its rows, and when the database will not have what it writes. */
import { randomUUIDv7 } from 'node:crypto';
import { expect, test } from 'vitest';
import { createTurns } from '../../async/semaphore.ts';
import { createBell } from '../../async/wakeup.ts';
import type { Claimed } from '../../db/events/claims.ts';
import { createHands } from '../in-progress.ts';
import { createRests } from './interruptible-delay.ts';
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

/** Of a concurrency of 1; every attempt is over at once. */
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
  hands: createHands(),
  slots: createTurns(1),
  rests: createRests(),
  bell: createBell(),
  stopping: new AbortController().signal,
  ...more,
});

test('what another control plane commits while the lane is quiet, and rings no bell for, is found before it ends', async () => {
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

test('a lane whose writes fail keeps nothing in hand, and says so', async () => {
  const stopping = new AbortController();
  const hands = createHands();
  const slots = createTurns(1);
  const rows = [waiting(), waiting(), waiting()];
  await slots.take(stopping.signal);
  const lane = runLane(
    options({
      claimNext: async () => rows,
      settle: () => Promise.reject(new Error('no')),
      hands,
      slots,
      stopping: stopping.signal,
    }),
  );
  await expect.poll(() => hands.ids.size).toBe(3);
  stopping.abort();
  await expect(lane).rejects.toThrow('no');
  expect([...hands.ids]).toEqual([]);
});

test('a lane that can claim no more waits for what it runs before it fails', async () => {
  const hands = createHands();
  const gate = Promise.withResolvers<void>();
  let looks = 0;
  let ended = false;
  const bell = createBell();
  const lane = runLane(
    options({
      claimNext: async () => {
        looks += 1;
        if (looks === 1) return [waiting()];
        gate.resolve();
        throw new Error('no');
      },
      attempt: async () => {
        bell.ring();
        await gate.promise;
        await new Promise(setImmediate);
        ended = true;
        return { kind: 'over' };
      },
      hands,
      bell,
    }),
  );
  await expect(lane).rejects.toThrow('no');
  expect(ended).toBe(true);
  expect([...hands.ids]).toEqual([]);
});
