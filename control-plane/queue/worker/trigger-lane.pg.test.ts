/** Events of triggers, run by control planes on one database: in order, once, and without a loss. */
import { randomUUID, randomUUIDv7 } from 'node:crypto';
import { SkerryError } from '@skerry/shared/errors.ts';
import { afterAll, afterEach, beforeAll, expect, inject, test, vi } from 'vitest';
import type { CatalogFunction } from '../../model/catalog-function.ts';
import type { NewInvocation } from '../../model/invocation.ts';
import { create, type Harness, startHarness } from '../../testing/harness.ts';
import { createDatabase, createWire, toRows, type Wire } from '../../testing/postgres.ts';

let database: string;
let wire: Wire;
let first: Harness;
let second: Harness;
/** Inputs in the order in which they began, over both control planes. */
let begun: string[];
let running: number;
let most: number;

const patience = { timeout: 15_000, interval: 20 };
const settings = {
  SKERRY_CATALOG_POLL_MS: '50',
  SKERRY_ASYNC_CONCURRENCY: '8',
  SKERRY_SEALING_KEY: '1'.repeat(64),
};

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'));
  wire = await createWire(database);
  [first, second] = await Promise.all([
    startHarness({ driver: 'pg', url: wire.url }, settings),
    startHarness({ driver: 'pg', url: database }, settings),
  ]);
  await create(first, 'tried', 'wasm', { manifest: '{"retry":{"attempts":3,"base_ms":10,"cap_ms":20}}' });
  await second.controlPlane.catalog.refresh();
});
afterAll(async () => {
  await first?.close();
  await second?.close();
});
afterEach(() => {
  for (const h of [first, second]) {
    h.invoker.behave = async ({ input }) => input;
    h.invoker.reachable = true;
  }
});

const fn = (): CatalogFunction => {
  const found = first.controlPlane.catalog.find('_', 'tried');
  if (!found) throw new Error('there is no function');
  return found;
};

async function trigger(concurrency: number): Promise<string> {
  const spec = { type: 'mqtt', params: { host: 'broker', topic: randomUUID(), concurrency, placement: 'edge' } };
  const made = await first.request('POST', '/v1/fn/_/tried/triggers', { json: spec });
  expect(made.status).toBe(201);
  await second.controlPlane.catalog.refresh();
  return (made.json as { data: { id: string } }).data.id;
}

const event = (triggerId: string, input: string): NewInvocation => ({
  function: fn(),
  input: Buffer.from(JSON.stringify(input)),
  origin: 'mqtt',
  createdAt: new Date(),
  triggerId,
});

/** Both control planes do the same, and the test observes them. */
function behave(work: (input: string) => Promise<unknown>): void {
  begun = [];
  running = 0;
  most = 0;
  for (const h of [first, second]) {
    h.invoker.behave = async ({ input }) => {
      const text = JSON.parse(Buffer.from(input).toString()) as string;
      begun.push(text);
      running += 1;
      most = Math.max(most, running);
      try {
        await work(text);
        return input;
      } finally {
        running -= 1;
      }
    };
  }
}

const states = async (triggerId: string) =>
  (await toRows(database, `select state, count(*)::int from invocations where trigger_id = '${triggerId}' group by 1`))
    .map(({ state, count }) => `${state} ${count}`)
    .sort();
const names = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => String(from + n));

test('with a concurrency of 1 their order is kept, over both control planes and through retries', async () => {
  const id = await trigger(1);
  let failures = 0;
  behave(async (input) => {
    if (input === '3' && failures < 2) {
      failures += 1;
      throw new SkerryError('function_error', 'not yet');
    }
    if (input === '5') throw new SkerryError('function_trap', 'never');
  });
  for (const name of names(0, 20)) {
    const { invocations } = (Number(name) % 2 ? first : second).controlPlane;
    await invocations.enqueue([event(id, name)]);
  }
  await vi.waitFor(async () => expect(await states(id)).toEqual(['dead 1', 'succeeded 19']), patience);
  expect(begun).toEqual([...names(0, 3), '3', '3', '3', '4', '5', '5', '5', ...names(6, 20)]);
  expect(most).toBe(1);
  const [counts] = await toRows(
    database,
    `select run::int, failed::int from trigger_counts where trigger_id = '${id}'`,
  );
  expect(counts).toEqual({ run: 20, failed: 1 });
});

test('a larger concurrency is the maximum number of concurrent runs', async () => {
  const id = await trigger(3);
  const gate = Promise.withResolvers<void>();
  behave(() => gate.promise);
  await first.controlPlane.invocations.enqueue(names(0, 30).map((name) => event(id, name)));
  await vi.waitFor(() => expect(running).toBe(3), patience);
  expect(await first.controlPlane.invocations.countPending(id)).toBe(30);
  gate.resolve();
  await vi.waitFor(async () => expect(await states(id)).toEqual(['succeeded 30']), patience);
  expect(most).toBe(3);
  expect([...begun].sort()).toEqual(names(0, 30).sort());
  expect(await first.controlPlane.invocations.countPending(id)).toBe(0);
});

test('a known event does not run again', async () => {
  const id = await trigger(1);
  behave(async () => {});
  const named = { ...event(id, 'once'), id: randomUUIDv7() };
  const { invocations } = first.controlPlane;
  expect(await invocations.enqueue([named, named])).toEqual([
    { id: named.id, known: false },
    { id: named.id, known: true },
  ]);
  await vi.waitFor(async () => expect(await states(id)).toEqual(['succeeded 1']), patience);
  expect(await invocations.enqueue([named])).toEqual([{ id: named.id, known: true }]);
  await vi.waitFor(async () => expect(await states(id)).toEqual(['succeeded 1']), patience);
  expect(begun).toEqual(['once']);
});

test('without an agent the first event waits and the others with it; then all run in order', async () => {
  const id = await trigger(1);
  let away = true;
  behave(async () => {
    if (away) throw new SkerryError('no_agent', 'nobody');
  });
  await second.controlPlane.invocations.enqueue(names(0, 5).map((name) => event(id, name)));
  await vi.waitFor(() => expect(begun.length).toBeGreaterThan(3), patience);
  expect(new Set(begun)).toEqual(new Set(['0']));
  away = false;
  await vi.waitFor(async () => expect(await states(id)).toEqual(['succeeded 5']), patience);
  expect(begun.slice(-5)).toEqual(names(0, 5));
});

test('events go to the control plane with agents, at once, and away from one that loses its own', async () => {
  const id = await trigger(1);
  behave(async () => {});
  first.invoker.reachable = false;
  first.invoker.behave = () => Promise.reject(new SkerryError('no_agent', 'nobody'));
  const asked = () =>
    first.request('POST', '/v1/fn/_/tried', { json: { args: 1 }, headers: { prefer: 'respond-async' } });
  await first.controlPlane.invocations.enqueue(names(0, 5).map((name) => event(id, name)));
  const { id: alone } = ((await asked()).json as { data: { id: string } }).data;
  const soon = { timeout: 6_000, interval: 20 };
  const ofAlone = () => toRows(database, `select state from invocations where id = '${alone}'`);
  await vi.waitFor(async () => expect(await states(id)).toEqual(['succeeded 5']), soon);
  await vi.waitFor(async () => expect(await ofAlone()).toEqual([{ state: 'succeeded' }]), soon);
  expect(begun.filter((name) => typeof name === 'string')).toEqual(names(0, 5));

  const gate = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  second.invoker.behave = async () => {
    held.resolve();
    await gate.promise;
    throw new SkerryError('no_agent', 'gone');
  };
  await second.controlPlane.invocations.enqueue(names(5, 10).map((name) => event(id, name)));
  await held.promise;
  second.invoker.reachable = false;
  first.invoker.reachable = true;
  first.invoker.behave = async ({ input }) => input;
  gate.resolve();
  await vi.waitFor(async () => expect(await states(id)).toEqual(['succeeded 10']), soon);
});

test('events that are claimed ahead are not shown as running', async () => {
  const id = await trigger(1);
  const gate = Promise.withResolvers<void>();
  behave(() => gate.promise);
  await first.controlPlane.invocations.enqueue(names(0, 3).map((name) => event(id, name)));
  const told = async (state: string) => {
    const { json } = await first.request('GET', `/v1/invocations?state=${state}&limit=1000`);
    const all = (json as { data: { invocations: { trigger: string; started_at: string | null }[] } }).data.invocations;
    return all.filter((one) => one.trigger === id).map(({ started_at: startedAt }) => startedAt !== null);
  };
  await vi.waitFor(async () => expect(await told('running')).toEqual([true]), patience);
  expect(await told('queued')).toEqual([false, false]);
  gate.resolve();
  await vi.waitFor(async () => expect(await states(id)).toEqual(['succeeded 3']), patience);
});

test('the database fails in the middle and returns: nothing is lost, nothing is stuck', async () => {
  const id = await trigger(4);
  const { invocations } = first.controlPlane;
  const gate = Promise.withResolvers<void>();
  behave(() => gate.promise);
  second.invoker.behave = () => Promise.reject(new SkerryError('no_agent', 'not here'));
  await invocations.enqueue(names(0, 40).map((name) => event(id, name)));
  const asked = await first.request('POST', '/v1/fn/_/tried', {
    json: { args: 'alone' },
    headers: { prefer: 'respond-async' },
  });
  expect(asked.status).toBe(202);
  await vi.waitFor(() => expect(running).toBeGreaterThan(0), patience);
  await wire.cut();
  gate.resolve();
  await expect(invocations.enqueue([event(id, 'refused')])).rejects.toMatchObject({ code: 'store_unavailable' });
  await expect(invocations.record([])).resolves.toBeUndefined();
  await expect(invocations.countPending(id)).rejects.toMatchObject({ code: 'store_unavailable' });
  const refused = await first.request('POST', '/v1/fn/_/tried', { headers: { prefer: 'respond-async' } });
  expect(refused).toMatchObject({ status: 503, json: { errors: { code: 'store_unavailable' } } });
  await wire.restore();
  behave(async () => {});
  await vi.waitFor(async () => expect(await states(id)).toEqual(['succeeded 40']), { ...patience, timeout: 40_000 });
  const { id: alone } = (asked.json as { data: { id: string } }).data;
  await vi.waitFor(async () => {
    expect(await toRows(database, `select state from invocations where id = '${alone}'`)).toEqual([
      { state: 'succeeded' },
    ]);
  }, patience);
}, 60_000);

test('outcomes that are recorded twice, or that belong to another function, change nothing', async () => {
  const { invocations } = first.controlPlane;
  const [sink] = await toRows(
    database,
    `insert into sinks (function_id, spec) values ('${fn().id}', '{"type":"http","params":{"on":"all","url":"http://127.0.0.1:9/"}}') returning id`,
  );
  const at = new Date();
  const ended = (id: string, ok: boolean) => ({
    id,
    functionId: fn().id,
    module: '_',
    name: 'tried',
    revision: 1,
    origin: 'mqtt' as const,
    triggerId: randomUUID(),
    attempts: 1,
    createdAt: at,
    startedAt: at,
    endedAt: at,
    result: ok
      ? ({ ok, output: Buffer.from('1') } as const)
      : ({ ok, code: 'function_trap', message: 'a\0b' } as const),
  });
  const ids = Array.from({ length: 1_200 }, () => randomUUIDv7());
  const told = vi.fn();
  for (const h of [first, second]) h.controlPlane.invocations.onRecorded(told);
  const batch = ids.map((id, n) => ended(id, n % 2 === 0));
  await Promise.all([
    invocations.record(batch),
    invocations.record(batch.toReversed()),
    second.controlPlane.invocations.record(batch),
  ]);
  await invocations.record([ended(ids[0] as string, false), ended(ids[0] as string, true)]);
  const rows = await toRows(
    database,
    `select state, count(*)::int from invocations where name = 'tried' and trigger_id is not null and output is not null or error_code = 'function_trap' and error_message = 'a\u{fffd}b' group by 1`,
  );
  expect(rows.find(({ state }) => state === 'dead')?.count).toBe(600);
  expect(told).toHaveBeenCalledWith(new Set([sink?.id]));
  const [{ deliveries } = {}] = await toRows(
    database,
    `select count(*)::int as deliveries from deliveries where sink_id = '${sink?.id}'`,
  );
  expect(deliveries).toBe(1_200);
});
