/** Deliveries of several control planes on one Postgres, and of one whose Postgres fails. */
import { randomBytes } from 'node:crypto';
import { afterEach, expect, inject, onTestFinished, test } from 'vitest';
import { type CouchDb, startCouchDb } from '../../test/harness/couchdb/couchdb.ts';
import { type Harness, startHarness } from '../testing/harness.ts';
import { functionWithSinks, record, sinkIs } from '../testing/outcomes.ts';
import { createDatabase, createWire } from '../testing/postgres.ts';

const sealingKey = randomBytes(32).toString('hex');
const settings = { SKERRY_SEALING_KEY: sealingKey, SKERRY_LEASE_MS: '1000', SKERRY_CATALOG_POLL_MS: '50' };
let couch: CouchDb;
afterEach(() => couch?.stop());

async function startOn(url: string): Promise<Harness> {
  const h = await startHarness({ driver: 'pg', url }, settings);
  onTestFinished(() => h.close());
  return h;
}
const written = () => couch.requests.reduce((sum, { documents }) => sum + documents, 0);
const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, n) => `{"n":${from + n}}`);

test('two control planes deliver each outcome once, and one takes over from the other', async () => {
  couch = await startCouchDb();
  couch.createDatabase('both');
  const url = await createDatabase(inject('postgresUrl'));
  const first = await startOn(url);
  const second = await startOn(url);
  const [sink = ''] = await functionWithSinks(first, 'f', {
    type: 'couchdb',
    params: { url: couch.url, database: 'both' },
  });
  await expect.poll(() => second.controlPlane.catalog.find('_', 'f')?.sinks.length).toBe(1);

  for (let round = 0; round < 10; round++) {
    await Promise.all([record(first, 'f', numbers(10)), record(second, 'f', numbers(10))]);
  }
  await sinkIs(second, sink, { waiting: 0, delivered: 200 });
  expect(couch.documents('both').size).toBe(200);
  expect(written()).toBe(200);

  await first.close();
  await record(second, 'f', numbers(20));
  await sinkIs(second, sink, { waiting: 0, delivered: 220 });
  expect(written()).toBe(220);
});

test('Postgres fails while a batch is in progress: it is settled afterwards, and nothing is sent twice', async () => {
  couch = await startCouchDb();
  couch.createDatabase('away');
  const wire = await createWire(await createDatabase(inject('postgresUrl')));
  const h = await startOn(wire.url);
  const [sink = ''] = await functionWithSinks(h, 'f', {
    type: 'couchdb',
    params: { url: couch.url, database: 'away' },
  });
  couch.fault({ kind: 'slow', ms: 200 }, 1, ({ documents }) => documents > 1);
  await record(h, 'f', numbers(50));
  await expect.poll(() => couch.requests.length, { interval: 5 }).toBe(2);
  await wire.cut();
  await expect.poll(() => couch.documents('away').size).toBe(50);
  await expect.poll(() => h.request('GET', '/v1/sinks')).toMatchObject({ status: 503 });
  // Longer than the lease: it is lost, and taken again.
  const lost = performance.now() + 1_500;
  await expect.poll(() => performance.now(), { timeout: 5_000 }).toBeGreaterThan(lost);
  await wire.restore();
  await sinkIs(h, sink, { waiting: 0, delivered: 50, error: null });
  await record(h, 'f', numbers(10));
  await sinkIs(h, sink, { waiting: 0, delivered: 60, state: 'idle' });
  expect(written()).toBe(60);
});
