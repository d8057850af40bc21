/** Leases over a real Postgres: several holders, as several control planes are. */
import pino from 'pino';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { leases as leaseTable } from './db/events-schema.ts';
import { openStore } from './db/open.ts';
import type { Store } from './db/store.ts';
import { createLeases, forgetLeases, type Lease, type Leases } from './leases.ts';
import { createDatabase } from './testing/postgres.ts';

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

function holder(through: Store = store) {
  const taken: Lease[] = [];
  const waiting: (() => void)[] = [];
  const leases = createLeases({
    store: through,
    log,
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

test('of two that want the same, one has it, and the other one gets it when it is given back', async () => {
  const [a, b] = [holder(), holder()];
  const first = a.next();
  a.leases.want(new Set(['x', 'y']));
  await first;
  b.leases.want(new Set(['x', 'y']));
  await expect.poll(() => a.leases.held.size).toBe(2);
  await new Promise((resolve) => setTimeout(resolve, termMs * 2));
  expect([a.leases.held.size, b.leases.held.size]).toEqual([2, 0]);
  const taken = b.next();
  await a.leases.close();
  expect(a.taken.every(({ signal }) => signal.aborted)).toBe(true);
  await taken;
  await expect.poll(() => [...b.leases.held.keys()].sort()).toEqual(['x', 'y']);
});

test('what is not wanted any more is given back, and the rest stays', async () => {
  const [a, b] = [holder(), holder()];
  a.leases.want(new Set(['x', 'y']));
  await expect.poll(() => a.leases.held.size).toBe(2);
  a.leases.want(new Set(['y']));
  b.leases.want(new Set(['x']));
  await expect.poll(() => [...b.leases.held.keys()]).toEqual(['x']);
  expect([...a.leases.held.keys()]).toEqual(['y']);
  expect(a.taken.map(({ name, signal }) => [name, signal.aborted]).sort()).toEqual([
    ['x', true],
    ['y', false],
  ]);
});

test('a holder that is cut off from the database lets go before another one can take over', async () => {
  let cut = false;
  const flaky: Store = {
    ...store,
    change: (work) => (cut ? Promise.reject(new Error('cut off')) : store.change(work)),
  };
  const [a, b] = [holder(flaky), holder()];
  a.leases.want(new Set(['x']));
  await expect.poll(() => a.leases.held.size).toBe(1);
  b.leases.want(new Set(['x']));
  const overlap = b.next().then(() => a.leases.held.size);
  cut = true;
  expect(await overlap).toBe(0);
  expect(a.taken[0]?.signal.aborted).toBe(true);
});

test('a holder whose database does not answer lets go before another one can take over', async () => {
  let hangs = false;
  const hung: Store = { ...store, change: (work) => (hangs ? new Promise(() => {}) : store.change(work)) };
  const [a, b] = [holder(hung), holder()];
  a.leases.want(new Set(['x']));
  await expect.poll(() => a.leases.held.size).toBe(1);
  b.leases.want(new Set(['x']));
  const overlap = b.next().then(() => a.leases.held.size);
  hangs = true;
  expect(await overlap).toBe(0);
  expect(a.taken[0]?.signal.aborted).toBe(true);
  open = [b.leases];
});

test('rows that nobody has wanted for long are forgotten, and only those', async () => {
  const day = 24 * 60 * 60 * 1_000;
  await store.change((orm) =>
    orm.insert(leaseTable).values([
      { name: 'old', holder: 'dead', until: new Date(Date.now() - 2 * day) },
      { name: 'late', holder: 'slow', until: new Date(Date.now() - day / 2) },
    ]),
  );
  const { leases } = holder();
  leases.want(new Set(['x']));
  await expect.poll(() => leases.held.size).toBe(1);
  await store.change(forgetLeases);
  const rows = await store.read((orm) => orm.select({ name: leaseTable.name }).from(leaseTable));
  expect(rows.map(({ name }) => name).sort()).toEqual(['late', 'x']);
});
