/** The behaviour of a full sink. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Harness, startHarness } from '../testing/harness.ts';
import { functionWithSinks, record, sinkIs, sinkState } from '../testing/outcomes.ts';

let h: Harness;
const patience = { timeout: 15_000, interval: 50 };

beforeAll(async () => {
  h = await startHarness(undefined, { SKERRY_MAX_DELIVERIES: '3' });
});
afterAll(() => h.close());

const call = (headers: Record<string, string>) => h.request('POST', '/v1/fn/_/piling', { json: { args: {} }, headers });

test('a full sink takes no outcomes of synchronous calls, and stops promises, until it has room', async () => {
  const http = { type: 'http', params: { url: 'http://127.0.0.1:9/', on: 'all' } } as const;
  const mqtt = { type: 'mqtt', params: { host: '127.0.0.1', port: 9, topic: 't', on: 'all' } } as const;
  const [one = '', other = ''] = await functionWithSinks(h, 'piling', http);
  expect(other).toBe('');
  await record(h, 'piling', ['1', '2', '3']);
  await sinkIs(h, one, { state: 'full', waiting: 3 });
  const added = await h.request('POST', '/v1/fn/_/piling/sinks', { json: mqtt });
  const second = (added.json as { data: { id: string } }).data.id;

  expect(await call({})).toMatchObject({ status: 200 });
  await sinkIs(h, second, { waiting: 1 });
  expect((await sinkState(h, one)).waiting).toBe(3);
  const refused = await call({ prefer: 'respond-async' });
  expect(refused).toMatchObject({ status: 503, json: { errors: { code: 'queue_full' } } });

  await h.controlPlane.store.execute(`delete from deliveries where sink_id = '${one}'`, undefined);
  await vi.waitFor(
    async () => expect(await call({ prefer: 'respond-async' })).toMatchObject({ status: 202 }),
    patience,
  );
  await vi.waitFor(async () => expect((await sinkState(h, one)).waiting).toBe(1), patience);
}, 40_000);
