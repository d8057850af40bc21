import { randomUUIDv7 } from 'node:crypto';
import { SkerryError } from '@skerry/shared/errors.ts';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import type { EndedInvocation } from '../model/invocation.ts';
import { createBestEffortOutcomes } from './best-effort.ts';

const at = new Date(0);
const ended = (bytes = 1): EndedInvocation => ({
  id: randomUUIDv7(),
  functionId: 'f',
  module: '_',
  name: 'f',
  revision: 1,
  origin: 'api',
  attempts: 1,
  createdAt: at,
  startedAt: at,
  endedAt: at,
  result: { ok: true, output: new Uint8Array(bytes) },
});

function start(record: (outcomes: readonly EndedInvocation[]) => Promise<void>, bounds = {}) {
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });
  return { later: createBestEffortOutcomes({ invocations: { recordUnpromised: record }, log, ...bounds }), lines };
}

test('outcomes that arrive together are recorded together, in order', async () => {
  const batches: number[] = [];
  const kept: string[] = [];
  const { later } = start(async (outcomes) => {
    batches.push(outcomes.length);
    kept.push(...outcomes.map(({ id }) => id));
  });
  const all = Array.from({ length: 1_100 }, () => ended());
  for (const one of all) later.record(one);
  await later.close(1_000);
  expect(batches).toEqual([500, 500, 100]);
  expect(kept).toEqual(all.map(({ id }) => id));
  expect(later).toMatchObject({ waiting: 0, dropped: 0 });
});

test('waits for a database that is away; outcomes beyond the bound are dropped, counted, and logged once', async () => {
  let away = true;
  const record = vi.fn(async () => {
    if (away) throw new SkerryError('store_unavailable', 'away');
  });
  const { later, lines } = start(record, { maxCount: 10 });
  for (let n = 0; n < 25; n += 1) later.record(ended());
  expect(later).toMatchObject({ waiting: 10, dropped: 15 });
  expect(lines).toHaveLength(1);
  await vi.waitFor(() => expect(record.mock.calls.length).toBeGreaterThan(1));
  away = false;
  await vi.waitFor(() => expect(later.waiting).toBe(0));
  for (let n = 0; n < 11; n += 1) later.record(ended());
  expect(later.dropped).toBe(16);
  expect(lines).toHaveLength(2);
  await later.close(1_000);
});

test('bytes are bounded as well', async () => {
  const { later } = start(async () => {}, { maxBytes: 10_000 });
  later.record(ended(8_000));
  later.record(ended(8_000));
  expect(later).toMatchObject({ waiting: 1, dropped: 1 });
  await later.close(1_000);
});

test('outcomes that the database refuses are dropped, and the next go on', async () => {
  let calls = 0;
  const { later } = start(async () => {
    calls += 1;
    if (calls === 1) throw new Error('no');
  });
  later.record(ended());
  await vi.waitFor(() => expect(later.waiting).toBe(0));
  later.record(ended());
  await later.close(1_000);
  expect(later.dropped).toBe(1);
  expect(calls).toBe(2);
});

test('of a refused batch, only the faulty outcomes are dropped', async () => {
  const kept: string[] = [];
  const all = Array.from({ length: 40 }, () => ended());
  const bad = new Set([all[3]?.id, all[20]?.id]);
  const { later, lines } = start(async (outcomes) => {
    if (outcomes.some(({ id }) => bad.has(id))) throw new Error('no');
    kept.push(...outcomes.map(({ id }) => id));
  });
  for (const one of all) later.record(one);
  await later.close(1_000);
  expect(kept).toEqual(all.map(({ id }) => id).filter((id) => !bad.has(id)));
  expect(later.dropped).toBe(2);
  expect(lines).toHaveLength(1);
});

test('outcomes that are left at the end are counted and logged', async () => {
  const { later, lines } = start(() => Promise.reject(new SkerryError('store_unavailable', 'away')));
  for (let n = 0; n < 1_200; n += 1) later.record(ended());
  await later.close(50);
  expect(later).toMatchObject({ waiting: 0, dropped: 1_200 });
  expect(lines.map((line) => JSON.parse(line).count)).toEqual([500, 700]);
  await later.close(50);
  expect(later.dropped).toBe(1_200);
});

test('closing does not wait for a database that stays away, and takes no further outcome', async () => {
  const { later } = start(() => Promise.reject(new SkerryError('store_unavailable', 'away')));
  later.record(ended());
  await later.close(50);
  later.record(ended());
  expect(later).toMatchObject({ waiting: 0, dropped: 2 });
});
