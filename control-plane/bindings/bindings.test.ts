/** Triggers and sinks must not harm other parts, and a change of them must not cost pending work. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { create, type Harness, startHarness, upload } from '../testing/harness.ts';

let h: Harness;
beforeAll(async () => {
  h = await startHarness(undefined, { SKERRY_MAX_BODY_BYTES: '4194304', SKERRY_MAX_UPLOAD_BYTES: '4194304' });
});
afterAll(() => h?.close());

const couchdb = (params: object) => ({ type: 'couchdb', params: { url: 'http://127.0.0.1:1/db', ...params } });
const mqtt = (params: object) => ({ type: 'mqtt', params: { host: '127.0.0.1', port: 1, topic: 't', ...params } });
type Listed = { id: string; params: Record<string, unknown> }[];
const list = async (path: string) => ((await h.request('GET', path)).json as { data: Listed }).data;
const put = (name: string, fields: Record<string, string>, code = 'wasm 1') =>
  h.request('PUT', `/v1/fn/_/${name}`, { body: upload({ name, ...fields }, code) });

test('an invalid stored trigger is left out, and affects nothing else', async () => {
  const schedule = { type: 'schedule', params: { cron: '0 0 1 1 *' } };
  await create(h, 'unfit', 'wasm 1', { events: JSON.stringify([schedule, mqtt({})]) });
  await h.controlPlane.store.change((orm) =>
    orm.execute(sql`update triggers set spec = jsonb_set(spec, '{params,cron}', '"2020-01-01T00:00:00"')
      where spec->>'type' = 'schedule'`),
  );
  expect(await h.request('POST', '/v1/fn', { json: { module: { name: 'later' } } })).toMatchObject({ status: 201 });
  expect(h.controlPlane.catalog).toMatchObject({ storeUp: true });
  expect(h.controlPlane.catalog.hasModule('later')).toBe(true);
  expect(await list('/v1/fn/_/unfit/triggers')).toMatchObject([{ params: { topic: 't' } }]);
  await put('unfit', { events: '[]' });
  const rows = await h.controlPlane.store.read((orm) => orm.execute(sql`select id from triggers`));
  expect(rows).toMatchObject({ rows: [] });
});

test('the triggers of a function are bounded in bytes', async () => {
  await create(h, 'large');
  const path = '/v1/fn/_/large/triggers';
  const large = (n: number) => ({ type: 'schedule', params: { cron: `${n} 0 1 1 *`, args: 'a'.repeat(65_000) } });
  const post = (json: unknown) => h.request('POST', path, { json });
  for (let n = 0; n < 8; n += 1) expect(await post(large(n))).toMatchObject({ status: 201 });
  const refused = { code: 'conflict', message: 'The triggers of a function have at most 512 KiB together' };
  expect(await post(large(8))).toMatchObject({ status: 409, json: { errors: refused } });
  const events = JSON.stringify(Array.from({ length: 9 }, (_, n) => large(n)));
  expect(await put('large', { events })).toMatchObject({
    status: 207,
    json: { data: { events: Array(9).fill({ status: 'error', message: refused.message }) } },
  });
  const { id } = ((await post(mqtt({}))).json as { data: { id: string } }).data;
  const grown = await h.request('PUT', `${path}/${id}`, { json: large(8) });
  expect(grown).toMatchObject({ status: 409, json: { errors: refused } });
  expect(await list(path)).toHaveLength(9);
});

test('a deploy that corrects a password changes the sink, and does not make another one', async () => {
  const sinks = (password: string, url = 'http://127.0.0.1:1/db') =>
    JSON.stringify([couchdb({ url, username: 'ada', password })]);
  await create(h, 'correct', 'wasm 1', { sinks: sinks('wrong') });
  const ids = async () => (await list('/v1/fn/_/correct/sinks')).map(({ id }) => id);
  const before = await ids();
  const sealed = () => h.controlPlane.catalog.find('_', 'correct')?.sinks[0]?.sealed;
  const first = sealed();
  expect(await put('correct', { sinks: sinks('right') })).toMatchObject({ status: 200 });
  expect(await ids()).toEqual(before);
  expect(sealed()).not.toEqual(first);
  expect(await put('correct', { sinks: sinks('right', 'http://127.0.0.1:1/other') })).toMatchObject({ status: 200 });
  expect(await ids()).toEqual(before);
});

test('the next deploy seals credentials again that cannot be opened any longer', async () => {
  const sinks = JSON.stringify([couchdb({ username: 'ada', password: 'p' })]);
  await create(h, 'resealed', 'wasm 1', { sinks });
  const id = (await list('/v1/fn/_/resealed/sinks'))[0]?.id ?? '';
  await h.controlPlane.store.change((orm) => orm.execute(sql`update sinks set sealed = '\\x01ff' where id = ${id}`));
  expect(await put('resealed', { sinks })).toMatchObject({
    status: 200,
    json: { data: { sinks: [{ status: 'success' }] } },
  });
  expect(h.controlPlane.catalog.find('_', 'resealed')?.sinks[0]?.sealed?.byteLength).toBeGreaterThan(20);
});
