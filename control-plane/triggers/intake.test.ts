/** Events of the control plane's triggers on their way into the database. */
import { randomUUID, randomUUIDv7 } from 'node:crypto';
import { sleep } from '@skerry/shared/clock.ts';
import type { Intake, NewEvent, PendingLimit } from '@skerry/shared/events/intake.ts';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { create, type Harness, startHarness } from '../testing/harness.ts';
import { createCloudIntake } from './intake.ts';

let h: Harness;
let intake: Intake;
let dropped: number;
const hold: PendingLimit = { maxPending: 100, whenFull: 'hold' };

beforeAll(async () => {
  h = await startHarness(undefined, { SKERRY_MAX_QUEUED: '50' });
  h.invoker.reachable = false;
  await create(h, 'listening');
});
afterAll(() => h.close());
beforeEach(async () => {
  await rows('delete from invocations');
  dropped = 0;
  const { store, catalog, invocations } = h.controlPlane;
  intake = createCloudIntake({
    store,
    catalog,
    invocations,
    onDropped: (_, events) => {
      dropped += events;
    },
  });
});

const rows = (query: string) => h.controlPlane.store.execute(query, undefined);

async function trigger(): Promise<string> {
  const json = { type: 'mqtt', params: { host: 'broker', topic: randomUUID(), placement: 'edge' } };
  const made = await h.request('POST', '/v1/fn/_/listening/triggers', { json });
  return (made.json as { data: { id: string } }).data.id;
}

const event = (id: string, more: Partial<NewEvent> = {}): NewEvent => ({
  id: randomUUIDv7(),
  trigger: id,
  function: h.controlPlane.catalog.find('_', 'listening')?.id ?? '',
  named: true,
  origin: 'mqtt',
  input: Buffer.from('1'),
  createdAt: Date.now(),
  ...more,
});

test('an event whose function is gone spoils none of the others', async () => {
  const id = await trigger();
  const results = await Promise.allSettled([
    intake.record(event(id), hold),
    intake.record(event(await trigger()), hold),
    intake.record(event(randomUUIDv7(), { function: randomUUIDv7() }), hold),
    intake.record(event(id), hold),
  ]);
  expect(results.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.code))).toEqual([
    'recorded',
    'recorded',
    'not_found',
    'recorded',
  ]);
});

test('a trigger without room does not fill the others', async () => {
  const [many, few] = [await trigger(), await trigger()];
  const first = intake.record(event(few), hold);
  const all = Array.from({ length: 60 }, () => intake.record(event(many), hold));
  const last = intake.record(event(few), hold);
  expect(new Set(await Promise.all(all))).toEqual(new Set(['full']));
  expect([await first, await last]).toEqual(['recorded', 'recorded']);
});

test('inputs of any total size are stored in pieces that a statement takes', async () => {
  const id = await trigger();
  const input = Buffer.alloc(4 * 1024 * 1024, '1');
  const kept = await Promise.all(Array.from({ length: 6 }, () => intake.record(event(id, { input }), hold)));
  expect(kept).toEqual(Array.from({ length: 6 }, () => 'recorded'));
  expect(await rows('select sum(octet_length(input))::int as bytes from invocations')).toEqual([
    { bytes: 6 * input.byteLength },
  ]);
});

test('a dropped event stays when the newer event cannot be stored', async () => {
  const id = await trigger();
  const room: PendingLimit = { maxPending: 1, whenFull: 'drop_oldest' };
  expect(await intake.record(event(id), room)).toBe('recorded');
  const named = randomUUIDv7();
  await expect(intake.record(event(id, { id: named, function: randomUUIDv7() }), room)).rejects.toThrow('gone');
  expect(await rows('select state from invocations')).toEqual([{ state: 'queued' }]);
  expect(dropped).toBe(0);
  expect(await intake.record(event(id), room)).toBe('recorded');
  expect(dropped).toBe(1);
  expect(await rows('select state from invocations order by seq')).toEqual([
    { state: 'cancelled' },
    { state: 'queued' },
  ]);
});

test('a tick is stored as the last one together with its event', async () => {
  const id = await trigger();
  const tick = Date.UTC(2026, 0, 1);
  const at = { origin: 'schedule', tick } as const;
  expect(await intake.record(event(id, at), hold)).toBe('recorded');
  expect(await intake.lastTick(id)).toBe(tick);
  const next = tick + 1_000;
  const lost = intake.record(event(id, { ...at, tick: next, function: randomUUIDv7() }), hold);
  await expect(lost).rejects.toThrow('gone');
  expect(await intake.lastTick(id)).toBe(tick);
});

test('a waiter for room counts more rarely when a count takes longer', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const never = new AbortController().signal;
  const { store, catalog, invocations } = h.controlPlane;
  const countsWithin = async (ms: number, countMs: number) => {
    let counts = 0;
    const ending = new AbortController();
    const countPending = async () => {
      counts += 1;
      await sleep(countMs, never);
      return hold.maxPending;
    };
    const waiter = createCloudIntake({
      store,
      catalog,
      invocations: { ...invocations, countPending },
      onDropped: () => {},
    });
    const waiting = waiter.waitForRoom('t', hold, ending.signal);
    await vi.advanceTimersByTimeAsync(ms);
    ending.abort();
    await vi.advanceTimersByTimeAsync(countMs);
    await waiting;
    return counts;
  };
  expect(await countsWithin(60_000, 1)).toBeGreaterThan(500);
  expect(await countsWithin(60_000, 50)).toBeLessThan(30);
  // Even then, room is found within seconds.
  expect(await countsWithin(60_000, 2_000)).toBeGreaterThan(4);
});
