/** Deliveries through a whole control plane, while sinks fail in every way. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { type CouchDb, startCouchDb } from '../../test/harness/couchdb/couchdb.ts';
import { type Harness, startHarness } from '../testing/harness.ts';
import { functionWithSinks, outcome, record, type SinkSpec, sinkIs, sinkState } from '../testing/outcomes.ts';

let h: Harness;
let couch: CouchDb;

beforeAll(async () => {
  // The longest possible delays, so that the tests see events end them early.
  h = await startHarness(undefined, {}, { random: () => 0.999 });
});
afterAll(() => h?.close());
beforeEach(async () => {
  couch = await startCouchDb();
});
afterEach(() => couch.stop());

let names = 0;
const name = () => `f${++names}`;
const couchdb = (database: string, params: object = {}): SinkSpec => ({
  type: 'couchdb',
  params: { url: couch.url, database, create: true, ...params },
});
const numbers = (count: number) => Array.from({ length: count }, (_, n) => `{"n":${n}}`);
const stored = (database: string) => [...couch.documents(database).values()].map(({ n }) => n);
const update = (fn: string, sink: string, json: SinkSpec) => h.request('PUT', `/v1/fn/_/${fn}/sinks/${sink}`, { json });

test('a few outcomes are sent at once, one by one', async () => {
  const fn = name();
  const [sink = ''] = await functionWithSinks(h, fn, couchdb('few'));
  for (const n of [1, 2, 3]) {
    await record(h, fn, [`{"n":${n}}`]);
    await sinkIs(h, sink, { delivered: n });
  }
  const writes = couch.requests.filter(({ documents }) => documents > 0);
  // The first one finds no database.
  expect(writes.map(({ method }) => method)).toEqual(['PUT', 'PUT', 'PUT', 'PUT']);
});

test('a hanging sink delays neither another one nor a call', async () => {
  const fn = name();
  couch.fault({ kind: 'hang' }, Number.POSITIVE_INFINITY, ({ path }) => path.startsWith('/hangs'));
  const [hangs = '', works = ''] = await functionWithSinks(h, fn, couchdb('hangs'), couchdb('works'));
  expect(await h.request('POST', `/v1/fn/_/${fn}`, { json: { args: {} } })).toMatchObject({ status: 200 });
  await record(h, fn, numbers(10));
  await sinkIs(h, works, { state: 'idle', waiting: 0 });
  expect(await h.request('POST', `/v1/fn/_/${fn}`, { json: { args: {} } })).toMatchObject({ status: 200 });
  expect((await sinkState(h, hangs)).delivered).toBe(0);
});

test('a new password takes effect at once', async () => {
  const fn = name();
  couch.credentials('ada', 'right');
  const [sink = ''] = await functionWithSinks(h, fn, couchdb('new', { username: 'ada', password: 'wrong' }));
  await record(h, fn, numbers(3));
  await sinkIs(h, sink, { state: 'failing', waiting: 3 });
  expect((await sinkState(h, sink)).error).toMatch(/401/);
  // Several failures in a row: the next try is seconds away.
  const restMs = async () => Date.parse((await sinkState(h, sink)).next_try_at ?? '') - Date.now();
  await expect.poll(restMs, { timeout: 10_000, interval: 50 }).toBeGreaterThan(1_500);
  const { next_try_at: nextTry } = await sinkState(h, sink);
  expect(await update(fn, sink, couchdb('new', { username: 'ada', password: 'right' }))).toMatchObject({ status: 200 });
  await sinkIs(h, sink, { state: 'idle', delivered: 3, error: null });
  expect(Date.now()).toBeLessThan(Date.parse(nextTry ?? ''));
});

test('a secret that is wrong, and then right', async () => {
  const fn = name();
  expect(await h.request('PUT', '/v1/secrets/couch', { json: { value: 'wrong' } })).toMatchObject({ status: 204 });
  couch.credentials('ada', 'hidden');
  const [sink = ''] = await functionWithSinks(h, fn, couchdb('secret', { username: 'ada', password_secret: 'couch' }));
  await record(h, fn, numbers(1));
  await sinkIs(h, sink, { state: 'failing', error: expect.stringContaining('401'), waiting: 1 });
  expect(await h.request('PUT', '/v1/secrets/couch', { json: { value: 'hidden' } })).toMatchObject({ status: 204 });
  await sinkIs(h, sink, { state: 'idle', delivered: 1, error: null });
  expect((await h.request('GET', '/v1/sinks')).text).not.toContain('hidden');
});

test('a faulty document holds up no other', async () => {
  const fn = name();
  couch.validate(({ n }) => (n === 2 ? 'not two' : undefined));
  const [sink = ''] = await functionWithSinks(h, fn, couchdb('fault', { retry: { attempts: 3, base_ms: 3_000 } }));
  await record(h, fn, numbers(5));
  await sinkIs(h, sink, { delivered: 4, waiting: 1, state: 'ok', error: null });
  expect(stored('fault')).toEqual([0, 1, 3, 4]);
  await record(h, fn, ['{"n":5}']);
  await sinkIs(h, sink, { delivered: 5, waiting: 1 });
});

test('in an ordered sink nothing overtakes it until it is dead, and a replay comes first', async () => {
  const fn = name();
  const params = { ordered: true, retry: { attempts: 3, base_ms: 200, cap_ms: 200 } };
  couch.validate(({ n }) => (n === 0 ? 'not zero' : undefined));
  const [sink = ''] = await functionWithSinks(h, fn, couchdb('order', params));
  await record(h, fn, ['{"n":0}']);
  await expect.poll(() => couch.requests.filter(({ documents }) => documents > 0).length).toBeGreaterThan(2);
  await record(h, fn, numbers(4).slice(1));
  expect(stored('order')).toEqual([]);
  await sinkIs(h, sink, { dead: 1, delivered: 3, waiting: 0 });
  expect(stored('order')).toEqual([1, 2, 3]);

  couch.validate(() => undefined);
  couch.fault({ kind: 'status', status: 503 }, 2);
  await record(h, fn, ['{"n":4}']);
  await h.request('POST', `/v1/sinks/${sink}/replay`, { json: {} });
  await sinkIs(h, sink, { dead: 0, delivered: 5, waiting: 0 });
  expect(stored('order')).toEqual([1, 2, 3, 0, 4]);
});

test('a replayed invocation delivers its new outcome, and not the one that was not taken', async () => {
  const fn = name();
  await couch.stop();
  const [sink = '', strict = ''] = await functionWithSinks(
    h,
    fn,
    couchdb('again', { on: 'all' }),
    couchdb('strict', { on: 'all', ordered: true, retry: { attempts: 1 } }),
  );
  const failed = outcome(h, fn, { code: 'function_error', message: 'no' }, { input: Buffer.from('{"n":1}') });
  await h.controlPlane.invocations.record([failed]);
  await sinkIs(h, sink, { state: 'failing', waiting: 1 });
  await sinkIs(h, strict, { state: 'failing', waiting: 1 });
  const store = h.controlPlane.store;
  await store.execute(`update deliveries set dead = true where sink_id = '${strict}'`, undefined);
  const gate = Promise.withResolvers<void>();
  onTestFinished(() => gate.resolve());
  h.invoker.behave = async () => {
    await gate.promise;
    return Buffer.from('{"n":2}');
  };
  expect(await h.request('POST', `/v1/invocations/${failed.id}/replay`)).toMatchObject({ status: 202 });
  await couch.start();
  await record(h, fn, ['{"n":3}']);
  await sinkIs(h, sink, { state: 'idle', delivered: 1 });
  await sinkIs(h, strict, { state: 'idle', delivered: 1, dead: 0 });
  gate.resolve();
  await sinkIs(h, sink, { delivered: 2, waiting: 0 });
  await sinkIs(h, strict, { delivered: 2, waiting: 0 });
  expect(stored('again')).toEqual([3, 2]);
  expect(stored('strict')).toEqual([3, 2]);
});

test('removing a sink removes its pending deliveries', async () => {
  const fn = name();
  await couch.stop();
  const [sink = ''] = await functionWithSinks(h, fn, couchdb('gone'));
  await record(h, fn, numbers(5));
  await sinkIs(h, sink, { waiting: 5, state: 'failing' });
  expect(await h.request('DELETE', `/v1/fn/_/${fn}/sinks/${sink}`)).toMatchObject({ status: 204 });
  await couch.start();
  const listed = await h.request('GET', `/v1/sinks?function=_/${fn}`);
  expect(listed.json).toEqual({ data: [] });
  expect(couch.documents('gone').size).toBe(0);
});
