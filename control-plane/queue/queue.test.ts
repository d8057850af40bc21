/**
 * Bounds of stored invocations: how many may wait, and how long ended ones stay; and the outcomes of synchronous calls.
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findForgotten, removeEnded } from '../db/events/invocation-sweep.ts';
import { createLog } from '../log/log.ts';
import { create, type Harness, startHarness } from '../testing/harness.ts';
import { outcome } from '../testing/outcomes.ts';
import { openBoss } from './jobs/boss.ts';
import { sweepInvocations } from './worker/sweep.ts';

let h: Harness;
const patience = { timeout: 10_000, interval: 20 };

beforeEach(async () => {
  h = await startHarness(undefined, { SKERRY_MAX_QUEUED: '3', SKERRY_ASYNC_CONCURRENCY: '1' });
  await create(h, 'one', 'wasm', { manifest: '{"retry":{"attempts":1,"base_ms":10}}' });
});
afterEach(() => h.close());

const call = (headers: Record<string, string> = { prefer: 'respond-async' }) =>
  h.request('POST', '/v1/fn/_/one', { json: { args: { n: 1 } }, headers });
const rows = (query: string) => h.controlPlane.store.execute(query, undefined);
const metric = async (name: string) => {
  const { text } = await h.request('GET', '/metrics');
  return new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1];
};

test('further invocations are refused with queue_full, until there is room again', async () => {
  const gate = Promise.withResolvers<void>();
  h.invoker.behave = async ({ input }) => {
    await gate.promise;
    return input;
  };
  const answers = [];
  for (let n = 0; n < 4; n += 1) answers.push(await call());
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 503]);
  expect(answers[3]).toMatchObject({ json: { errors: { code: 'queue_full' } } });
  expect(await metric('skerry_invocations_running')).toBe('1');
  gate.resolve();
  await vi.waitFor(async () => expect(await call()).toMatchObject({ status: 202 }), patience);
  await vi.waitFor(async () => {
    expect(await metric('skerry_invocations_ended_total{state="succeeded"}'.replaceAll(/[{}"]/g, '\\$&'))).toBe('4');
  }, patience);
});

test('invocations that ended long ago are removed, except those with pending deliveries', async () => {
  const sink = { type: 'http', params: { url: 'http://127.0.0.1:9/', on: 'all' } };
  for (const prefer of ['first', 'second']) {
    if (prefer === 'second') await h.request('POST', '/v1/fn/_/one/sinks', { json: sink });
    await call();
    await vi.waitFor(async () => {
      expect(await rows("select 1 from invocations where state <> 'succeeded'")).toEqual([]);
    }, patience);
  }
  h.invoker.behave = () => Promise.reject(new SkerryError('no_agent', 'nobody'));
  await call();
  const options = { store: h.controlPlane.store, boss: { insert: async () => {} }, retentionMs: 1_000 };
  await sweepInvocations(options);
  expect(await rows('select 1 from invocations')).toHaveLength(3);
  await rows("update invocations set recorded_at = now() - interval '2 seconds'");
  await sweepInvocations(options);
  expect(await rows('select state from invocations order by seq')).toMatchObject([
    { state: 'succeeded' },
    { state: expect.stringMatching(/queued|running/) },
  ]);
  await rows('update deliveries set dead = true');
  await sweepInvocations(options);
  expect(await rows("select 1 from invocations where state = 'succeeded'")).toHaveLength(1);
  await rows('delete from deliveries');
  await sweepInvocations(options);
  expect(await rows("select 1 from invocations where state = 'succeeded'")).toEqual([]);
});

test('the oldest ended invocations are removed first, and rows that must stay are not visited again', async () => {
  await h.request('POST', '/v1/fn/_/one/sinks', { json: { type: 'http', params: { url: 'http://127.0.0.1:9/' } } });
  const { invocations, store } = h.controlPlane;
  const ids: string[] = [];
  for (let n = 0; n < 6; n += 1) {
    const ended = outcome(h, 'one', '1');
    await invocations.record([ended]);
    await rows(
      `update invocations set recorded_at = now() - interval '1 hour' + ${n} * interval '1 microsecond' where id = '${ended.id}'`,
    );
    ids.push(ended.id);
  }
  await rows(`delete from deliveries where invocation_id not in ('${ids[0]}', '${ids[3]}')`);
  const left = async () => (await rows('select id from invocations order by recorded_at')).map(({ id }) => id);
  const remove = (from: string | undefined) => store.change((orm) => removeEnded(orm, 60_000, 2, from));

  const first = await remove(undefined);
  expect(first).toEqual({ count: 2, upTo: expect.any(String) });
  expect(await left()).toEqual([ids[0], ids[3], ids[4], ids[5]]);
  // Free again, but older than the sweep's position: the next sweep removes it.
  await rows(`delete from deliveries where invocation_id = '${ids[0]}'`);
  const second = await remove(first.upTo);
  expect(second.count).toBe(2);
  expect(await left()).toEqual([ids[0], ids[3]]);
  expect(await remove(second.upTo)).toEqual({ count: 0, upTo: undefined });
  expect(await remove(undefined)).toMatchObject({ count: 1 });
  expect(await left()).toEqual([ids[3]]);
});

test('the retention of an outcome, and its place in lists, do not depend on the clock of a device', async () => {
  const ids = [];
  for (const at of [new Date(0), new Date('9999-01-01'), new Date()]) {
    const ended = { ...outcome(h, 'one', '1'), createdAt: at, startedAt: at, endedAt: at };
    await h.controlPlane.invocations.record([ended]);
    ids.unshift(ended.id);
  }
  const options = { store: h.controlPlane.store, boss: { insert: async () => {} }, retentionMs: 3_600_000 };
  await sweepInvocations(options);
  const { json } = await h.request('GET', '/v1/invocations');
  expect((json as { data: { invocations: { id: string }[] } }).data.invocations.map(({ id }) => id)).toEqual(ids);
  await rows("update invocations set recorded_at = now() - interval '2 hours'");
  await sweepInvocations(options);
  expect(await rows('select 1 from invocations')).toEqual([]);
});

test('a row without a job is found', async () => {
  h.invoker.behave = () => Promise.reject(new SkerryError('no_agent', 'nobody'));
  await call();
  await rows("update invocations set created_at = now() - interval '1 hour'");
  const { store } = h.controlPlane;
  expect(await store.read((orm) => findForgotten(orm, 10))).toEqual([]);
  await rows("delete from pgboss.job where name = 'invocations'");
  const [row] = await rows('select id from invocations');
  await vi.waitFor(async () => {
    await rows("delete from pgboss.job where name = 'invocations'");
    expect(await store.read((orm) => findForgotten(orm, 10))).toEqual([{ id: row?.id, triggerId: null }]);
  }, patience);
  h.invoker.behave = async ({ input }) => input;
  const boss = await openBoss(store, createLog('silent'), true);
  await sweepInvocations({ store, boss, retentionMs: 60_000 });
  await boss.close();
  await vi.waitFor(async () => {
    expect(await rows('select state from invocations')).toEqual([{ state: 'succeeded' }]);
  }, patience);
});

test('a synchronous call leaves an outcome only where a sink selects it', async () => {
  await call({});
  const sink = { type: 'http', params: { url: 'http://127.0.0.1:9/', on: 'failure', envelope: true } };
  expect(await h.request('POST', '/v1/fn/_/one/sinks', { json: sink })).toMatchObject({ status: 201 });
  await call({});
  h.invoker.behave = () => Promise.reject(new SkerryError('no_agent', 'nobody'));
  expect(await call({})).toMatchObject({ status: 503 });
  h.invoker.behave = () => Promise.reject(new SkerryError('function_trap', 'unreachable'));
  expect(await call({})).toMatchObject({ status: 500 });
  const raw = await h.request('POST', '/function/one', { body: 'raw' });
  expect(raw).toMatchObject({ status: 500 });
  await vi.waitFor(async () => {
    const kept = await rows(
      "select state, origin, error_code, attempts, convert_from(input, 'utf8') as input, created_by from invocations order by seq",
    );
    const one = { state: 'dead', origin: 'api', error_code: 'function_trap', attempts: 1, created_by: null };
    expect(kept).toEqual([
      { ...one, input: '{"n":1}' },
      { ...one, input: 'raw' },
    ]);
  }, patience);
  expect(await rows('select 1 from deliveries')).toHaveLength(2);
});
