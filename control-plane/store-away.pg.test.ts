/** Postgres fails and returns while the control plane runs: reads and calls go on, changes get 503. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Harness, startHarness, upload } from './testing/harness.ts';
import { createDatabase, createWire, toRows, type Wire } from './testing/postgres.ts';

let h: Harness;
let wire: Wire;
let database: string;

/** Control planes on one database have one key. */
const settings = { SKERRY_CATALOG_POLL_MS: '20', SKERRY_SEALING_KEY: '1'.repeat(64) };

beforeAll(async () => {
  database = await createDatabase(inject('postgresUrl'));
  wire = await createWire(database);
  h = await startHarness({ driver: 'pg', url: wire.url }, settings);
});
afterAll(() => h?.close());

const hello = (key: number, joinToken?: string) => ({
  publicKey: new Uint8Array(32).fill(key),
  name: `agent-${key}`,
  labels: {},
  agentVersion: '0.1.0',
  joinToken,
});
const away = { status: 503, json: { errors: { code: 'store_unavailable' } } };
const nextChange = () =>
  new Promise<number>((resolve) => {
    const stop = h.controlPlane.catalog.onChange((version) => {
      stop();
      resolve(version);
    });
  });

test('while it is away, content in memory serves; when it is back, changes go on', async () => {
  const { catalog, agents } = h.controlPlane;
  const created = await h.request('POST', '/v1/fn/_', { body: upload({ name: 'stays' }, 'wasm') });
  expect(created.status).toBe(201);
  const join = await h.request('POST', '/v1/agents/tokens', { json: { uses: 2 } });
  const { token } = (join.json as { data: { token: string } }).data;
  const admitted = await agents.admit(hello(1, token));
  expect(admitted).toMatchObject({ ok: true, epoch: 1 });
  const { version } = catalog;

  await wire.cut();
  await catalog.refresh();
  expect(catalog.storeUp).toBe(false);
  expect((await h.request('GET', '/metrics')).text).toMatch(/^skerry_store_up 0$/m);
  expect(catalog.version).toBe(version);
  for (const [method, path] of [
    ['GET', '/v1/fn'],
    ['GET', '/v1/fn/_'],
    ['GET', '/v1/fn/_/stays'],
    ['GET', '/v1/functions'],
    ['POST', '/v1/fn/_/stays'],
    ['GET', '/function/stays'],
    ['GET', '/healthz'],
    ['GET', '/readyz'],
  ] as const) {
    expect(await h.request(method, path), path).toMatchObject({ status: 200 });
  }
  const changes = await Promise.all([
    h.request('POST', '/v1/fn', { json: { module: { name: 'new' } } }),
    h.request('POST', '/v1/fn/_', { body: upload({ name: 'new' }, 'wasm') }),
    h.request('PUT', '/v1/fn/_/stays', { body: upload({ name: 'stays' }, 'wasm 2') }),
    h.request('DELETE', '/v1/fn/_/stays'),
    h.request('POST', '/v1/admin/subjects', { json: { subject: { name: 'new' } } }),
    h.request('POST', '/v1/agents/tokens', { json: {} }),
    h.request('GET', '/v1/agents'),
  ]);
  for (const change of changes) expect(change).toMatchObject(away);

  // An agent that was admitted since the start returns; an unknown one has to wait.
  expect(await agents.admit(hello(1))).toMatchObject({ ok: true, epoch: 2 });
  expect(await agents.admit(hello(1))).toMatchObject({ ok: true, epoch: 3 });
  await expect(agents.admit(hello(2, token))).rejects.toMatchObject({ code: 'store_unavailable' });

  await wire.restore();
  await catalog.refresh();
  expect(catalog.storeUp).toBe(true);
  expect(await agents.admit(hello(1))).toMatchObject({ ok: true, epoch: 4 });
  expect(await agents.admit(hello(2, token))).toMatchObject({ ok: true, epoch: 1 });
  expect(await h.request('POST', '/v1/fn', { json: { module: { name: 'new' } } })).toMatchObject({ status: 201 });
});

test('a change of another process is found by polling', async () => {
  const changed = nextChange();
  await toRows(database, "insert into modules (name) values ('elsewhere')");
  await toRows(database, 'update catalog_version set version = version + 1');
  expect(await changed).toBe(h.controlPlane.catalog.version);
  expect(h.controlPlane.catalog.hasModule('elsewhere')).toBe(true);
});

test('a second control plane on the same database shares everything', async () => {
  const other = await startHarness({ driver: 'pg', url: database }, settings);
  try {
    expect(await other.request('GET', '/v1/fn/_/stays')).toMatchObject({ status: 200 });
    const changed = nextChange();
    await other.request('POST', '/v1/fn/_', { body: upload({ name: 'shared' }, 'wasm') });
    await changed;
    expect(await h.request('POST', '/v1/fn/_/shared')).toMatchObject({ status: 200 });
  } finally {
    await other.close();
  }
});

test('tokens are in the database as hashes only', async () => {
  const subject = await h.request('POST', '/v1/admin/subjects', { json: { subject: { name: 'hashed' } } });
  const join = await h.request('POST', '/v1/agents/tokens', { json: {} });
  for (const { json } of [subject, join]) {
    const { token } = (json as { data: { token: string } }).data;
    const rows = await toRows(
      database,
      'select row_to_json(subjects)::text as row from subjects union all select row_to_json(join_tokens)::text from join_tokens',
    );
    const text = JSON.stringify(rows);
    expect(text).toContain('token_hash');
    expect(text).not.toContain(token);
    expect(text).not.toContain(token.slice(3));
    expect(text).not.toContain(Buffer.from(token).toString('hex'));
  }
});
