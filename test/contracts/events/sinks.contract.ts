/** From an outcome to a sink and to its state in the API, over real HTTP, on each database. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Harness } from '../../../control-plane/testing/harness.ts';
import { functionWithSinks, outcome, record, sinkIs, sinkState } from '../../../control-plane/testing/outcomes.ts';
import { type CouchDb, startCouchDb } from '../../harness/couchdb/couchdb.ts';

export function describeSinks(h: () => Harness): void {
  describe('sinks', () => {
    let couch: CouchDb;
    beforeAll(async () => {
      couch = await startCouchDb();
    });
    afterAll(() => couch?.stop());
    const couchdb = (database: string, params: object = {}) => ({
      type: 'couchdb' as const,
      params: { url: couch.url, database, create: true, ...params },
    });

    test('an outcome is delivered to each sink of its function, under its id', async () => {
      const ids = await functionWithSinks(
        h(),
        'several',
        couchdb('several-a'),
        couchdb('several-b', { envelope: true }),
        couchdb('several-c', { on: 'failure' }),
      );
      const good = outcome(h(), 'several', '{"n": 1.50}', { input: Buffer.from('{"to":1}') });
      const bad = outcome(h(), 'several', { code: 'function_error', message: 'no' });
      await h().controlPlane.invocations.record([good, bad]);
      for (const id of ids) await sinkIs(h(), id, { waiting: 0, delivered: 1, state: 'idle', error: null });
      expect(couch.documents('several-a').get(good.id)).toMatchObject({ _id: good.id, n: 1.5 });
      expect(couch.documents('several-b').get(good.id)).toMatchObject({
        id: good.id,
        module: '_',
        function: 'several',
        revision: 1,
        agent: 'box',
        origin: 'api',
        trigger: null,
        attempts: 1,
        input: { to: 1 },
        result: { n: 1.5 },
      });
      expect(couch.documents('several-c').get(bad.id)).toMatchObject({
        function: 'several',
        error: { code: 'function_error', message: 'no' },
      });
      expect(['a', 'b', 'c'].map((name) => couch.documents(`several-${name}`).size)).toEqual([1, 1, 1]);
    });

    test('pending deliveries are shown, and are sent by _bulk_docs when the sink is back', async () => {
      const [sink = ''] = await functionWithSinks(h(), 'later', couchdb('later'));
      couch.fault({ kind: 'status', status: 503 }, Number.POSITIVE_INFINITY, ({ path }) => path.startsWith('/later'));
      const ids = await record(
        h(),
        'later',
        Array.from({ length: 300 }, (_, n) => `{"n":${n}}`),
      );
      await sinkIs(h(), sink, { state: 'failing', waiting: 300, delivered: 0 });
      const failing = await sinkState(h(), sink);
      expect(failing.error).toMatch(/503/);
      expect(failing.lag_seconds).toBeLessThan(60);
      couch.fault(undefined);
      const before = couch.requests.length;
      await sinkIs(h(), sink, { state: 'idle', waiting: 0, delivered: 300, error: null, lag_seconds: 0 });
      expect([...couch.documents('later').keys()]).toEqual(ids);
      const writes = couch.requests.slice(before).filter(({ path }) => path.startsWith('/later'));
      expect(writes.length).toBeLessThan(10);
    });

    test('a document that the sink rejects becomes a dead letter with its reason, and can be replayed', async () => {
      const [sink = ''] = await functionWithSinks(
        h(),
        'dead',
        couchdb('dead', { retry: { attempts: 2, base_ms: 10, cap_ms: 10 } }),
      );
      couch.validate(({ bad }) => (bad === true ? 'no such thing' : undefined));
      const [, one = '', , two = ''] = await record(h(), 'dead', ['{}', '{"bad":true}', '{}', '{"bad":true}']);
      await sinkIs(h(), sink, { waiting: 0, dead: 2, delivered: 2 });
      const path = `/v1/sinks/${sink}/dead`;
      const first = await h().request('GET', `${path}?limit=1`);
      expect(first.json).toMatchObject({
        data: { dead: [{ invocation: one, attempts: 2, error: expect.stringContaining('no such thing') }] },
      });
      const { cursor } = (first.json as { data: { cursor: string } }).data;
      const rest = await h().request('GET', `${path}?limit=1&cursor=${cursor}`);
      expect(rest.json).toMatchObject({ data: { dead: [{ invocation: two }], cursor: null } });

      couch.validate(() => undefined);
      const replay = (json: object) => h().request('POST', `/v1/sinks/${sink}/replay`, { json });
      expect(await replay({ invocations: [two, 'nonsense'] })).toMatchObject({ json: { data: { replayed: 1 } } });
      await sinkIs(h(), sink, { dead: 1, waiting: 0, delivered: 3 });
      expect(await replay({})).toMatchObject({ status: 200, json: { data: { replayed: 1 } } });
      await sinkIs(h(), sink, { dead: 0, waiting: 0, delivered: 4 });
      expect(couch.documents('dead').size).toBe(4);
    });

    test('unknown sinks and invalid requests are refused', async () => {
      const none = '00000000-0000-4000-8000-000000000000';
      const [sink = ''] = await functionWithSinks(h(), 'forms', couchdb('forms'));
      for (const [method, path, status] of [
        ['GET', `/v1/sinks/${none}/dead`, 404],
        ['GET', '/v1/sinks/x/dead', 404],
        ['GET', `/v1/sinks/${sink}/dead?limit=0`, 422],
        ['GET', `/v1/sinks/${sink}/dead?cursor=x`, 400],
        ['GET', '/v1/sinks?function=_/none', 404],
        ['GET', '/v1/sinks?function=forms', 404],
        ['GET', '/v1/sinks?function=_/forms', 200],
      ] as const) {
        expect(await h().request(method, path), path).toMatchObject({ status });
      }
      expect(await h().request('POST', `/v1/sinks/${none}/replay`, { json: {} })).toMatchObject({ status: 404 });
      const empty = await h().request('POST', `/v1/sinks/${sink}/replay`, { json: { invocations: [] } });
      expect(empty.status).toBe(422);
      expect(await h().request('GET', '/v1/sinks', { token: null })).toMatchObject({ status: 401 });
    });

    test('the metrics have counts by sink', async () => {
      const [sink = ''] = await functionWithSinks(h(), 'figures', couchdb('figures'));
      await record(h(), 'figures', ['{}', '{}']);
      await sinkIs(h(), sink, { delivered: 2 });
      const line = (name: string, value: number) => `skerry_sink_${name}{sink="${sink}",type="couchdb"} ${value}`;
      await expect
        .poll(async () => (await h().request('GET', '/metrics')).text, { timeout: 10_000, interval: 200 })
        .toContain(line('delivered_total', 2));
      const { text } = await h().request('GET', '/metrics');
      expect(text).toContain(line('deliveries_waiting', 0));
      expect(text).toContain(line('deliveries_dead', 0));
      expect(text).toContain(line('failures_total', 0));
    });
  });
}
