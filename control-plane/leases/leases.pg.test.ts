/** Leases over a real Postgres: several holders, like several control planes. */
import { randomUUID } from 'node:crypto';
import { SkerryError } from '@skerry/shared/errors.ts';
import pino from 'pino';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { openStore } from '../db/open.ts';
import { leases as leaseTable } from '../db/schema/events.ts';
import type { Store } from '../db/store.ts';
import { createDatabase } from '../testing/postgres.ts';
import { createLeases, forgetLeases, type Lease, type Leases } from './leases.ts';

const log = pino({ level: 'silent' });
const termMs = 600;
let store: Store;
let open: Leases[] = [];

beforeEach(async () => {
  const url = await createDatabase(inject('postgresUrl'));
  store = await openStore({ driver: 'pg', url }, log, async () => {});
});
afterEach(async () => {
  await Promise.all(open.map((leases) => leases.close()));
  open = [];
  await store.close();
});

function holder(through: Store = store, told = log) {
  const taken: Lease[] = [];
  const waiting: (() => void)[] = [];
  const leases = createLeases({
    store: through,
    log: told,
    termMs,
    onHeld(lease) {
      taken.push(lease);
      for (const wake of waiting.splice(0)) wake();
    },
  });
  open.push(leases);
  const next = () => new Promise<void>((resolve) => waiting.push(resolve));
  return { leases, taken, next };
}

test('one of two holders gets a lease, and the other gets it when it is released', async () => {
  const [a, b] = [holder(), holder()];
  const first = a.next();
  a.leases.setWanted(new Set(['x', 'y']));
  await first;
  b.leases.setWanted(new Set(['x', 'y']));
  await expect.poll(() => a.leases.held.size).toBe(2);
  await new Promise((resolve) => setTimeout(resolve, termMs * 2));
  expect([a.leases.held.size, b.leases.held.size]).toEqual([2, 0]);
  const taken = b.next();
  await a.leases.close();
  expect(a.taken.every(({ signal }) => signal.aborted)).toBe(true);
  await taken;
  await expect.poll(() => [...b.leases.held.keys()].sort()).toEqual(['x', 'y']);
});

test('leases that are no longer wanted are released, and the rest stays', async () => {
  const [a, b] = [holder(), holder()];
  a.leases.setWanted(new Set(['x', 'y']));
  await expect.poll(() => a.leases.held.size).toBe(2);
  a.leases.setWanted(new Set(['y']));
  b.leases.setWanted(new Set(['x']));
  await expect.poll(() => [...b.leases.held.keys()]).toEqual(['x']);
  expect([...a.leases.held.keys()]).toEqual(['y']);
  expect(a.taken.map(({ name, signal }) => [name, signal.aborted]).sort()).toEqual([
    ['x', true],
    ['y', false],
  ]);
});

test('a holder that is cut off from the database gives up before another one can take over', async () => {
  let cut = false;
  const flaky: Store = {
    ...store,
    change: (work) => (cut ? Promise.reject(new Error('cut off')) : store.change(work)),
  };
  const [a, b] = [holder(flaky), holder()];
  a.leases.setWanted(new Set(['x']));
  await expect.poll(() => a.leases.held.size).toBe(1);
  b.leases.setWanted(new Set(['x']));
  const overlap = b.next().then(() => a.leases.held.size);
  cut = true;
  expect(await overlap).toBe(0);
  expect(a.taken[0]?.signal.aborted).toBe(true);
});

test('a holder whose database does not answer gives up before another one can take over', async () => {
  let hangs = false;
  const hung: Store = { ...store, change: (work) => (hangs ? new Promise(() => {}) : store.change(work)) };
  const [a, b] = [holder(hung), holder()];
  a.leases.setWanted(new Set(['x']));
  await expect.poll(() => a.leases.held.size).toBe(1);
  b.leases.setWanted(new Set(['x']));
  const overlap = b.next().then(() => a.leases.held.size);
  hangs = true;
  expect(await overlap).toBe(0);
  expect(a.taken[0]?.signal.aborted).toBe(true);
  open = [b.leases];
});

/** A store whose changes are done at once, and reported when the test lets them through. */
function slow() {
  const gate = Promise.withResolvers<void>();
  const done = Promise.withResolvers<void>();
  const through: Store = {
    ...store,
    async change(work) {
      const result = await store.change(work);
      done.resolve();
      await gate.promise;
      return result;
    },
  };
  return { through, done: done.promise, letThrough: gate.resolve };
}
const names = async () => {
  const rows = await store.read((orm) => orm.select({ name: leaseTable.name }).from(leaseTable));
  return rows.map(({ name }) => name).sort();
};

test('a lease that is no longer wanted while it is being taken is released', async () => {
  const { through, done, letThrough } = slow();
  const { leases, taken } = holder(through);
  leases.setWanted(new Set(['x', 'y']));
  await done;
  leases.setWanted(new Set(['y']));
  letThrough();
  await expect.poll(names, { interval: 10, timeout: termMs / 3 }).toEqual(['y']);
  expect(taken.map(({ name }) => name)).toEqual(['y']);
});

test('closing releases leases that are being taken, and leases whose answer was lost', async () => {
  const { through, done, letThrough } = slow();
  const { leases, taken } = holder(through);
  leases.setWanted(new Set(['x']));
  await done;
  const closed = leases.close();
  letThrough();
  await closed;
  expect(await names()).toEqual([]);
  let deaf = true;
  const unheard = holder({
    ...store,
    async change(work) {
      const result = await store.change(work);
      if (deaf) throw new SkerryError('store_unavailable', 'the answer was lost');
      return result;
    },
  });
  unheard.leases.setWanted(new Set(['y']));
  await expect.poll(names).toEqual(['y']);
  deaf = false;
  await unheard.leases.close();
  expect([await names(), taken]).toEqual([[], []]);
});

test('a failure other than an absent database is logged as an error', async () => {
  const levels: number[] = [];
  const told = pino({ level: 'debug' }, { write: (line: string) => void levels.push(JSON.parse(line).level) });
  const failures = [new SkerryError('store_unavailable', 'away'), new Error('no such column')];
  const { leases } = holder({ ...store, change: () => Promise.reject(failures.shift()) }, told);
  leases.setWanted(new Set(['x']));
  await expect.poll(() => levels.slice(0, 2)).toEqual([20, 50]);
});

test('rows that have not been wanted for long are deleted, and only those', async () => {
  const day = 24 * 60 * 60 * 1_000;
  await store.change((orm) =>
    orm.insert(leaseTable).values([
      { name: 'old', holder: randomUUID(), until: new Date(Date.now() - 2 * day) },
      { name: 'late', holder: randomUUID(), until: new Date(Date.now() - day / 2) },
    ]),
  );
  const { leases } = holder();
  leases.setWanted(new Set(['x']));
  await expect.poll(() => leases.held.size).toBe(1);
  await store.change(forgetLeases);
  const rows = await store.read((orm) => orm.select({ name: leaseTable.name }).from(leaseTable));
  expect(rows.map(({ name }) => name).sort()).toEqual(['late', 'x']);
});
