/**
 * A control plane is killed after its sink has taken a batch, and before it records that: the repeat changes nothing.
 */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type CouchDb, startCouchDb } from '../harness/couchdb/couchdb.ts';
import { handlerComponent } from '../harness/fixtures.ts';
import { type Platform, startPlatform } from '../harness/platform.ts';

let couch: CouchDb;
let platform: Platform;
let database: pg.Client;

beforeAll(async () => {
  couch = await startCouchDb({ user: 'ada', password: 'l0velace' });
  couch.createDatabase('kept');
  const url = new URL(inject('postgresUrl'));
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const server = new pg.Client({ connectionString: url.href });
  await server.connect();
  await server.query(`create database ${name}`);
  await server.end();
  url.pathname = `/${name}`;
  platform = await startPlatform({ DATABASE_URL: url.href, SKERRY_LEASE_MS: '1000', SKERRY_LOG_LEVEL: 'trace' });
  database = new pg.Client({ connectionString: url.href });
  await database.connect();
});
afterAll(async () => {
  await database?.end();
  await platform?.stop();
  await couch?.stop();
});

type Listed = { data: { id: string; waiting: number; delivered: number }[] };

async function listed(): Promise<Listed['data']> {
  const { body } = await platform.api.call('GET', '/v1/sinks');
  return (body as Listed).data ?? [];
}

/** Outcomes as if they had been recorded; their recording is tested elsewhere. */
async function insertOutcomes(functionId: string, sinkId: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomUUID());
  await database.query('begin');
  await database.query(
    `insert into invocations (id, function_id, module, name, origin, state, output, created_at, ended_at)
     select id, $2, '_', 'f', 'api', 'succeeded', convert_to('{"ok":true}', 'UTF8'), now(), now()
     from unnest($1::uuid[]) as given(id)`,
    [ids, functionId],
  );
  await database.query(
    'insert into deliveries (sink_id, invocation_id) select $2, id from unnest($1::uuid[]) with ordinality as given(id, n) order by n',
    [ids, sinkId],
  );
  await database.query('commit');
  return ids;
}

test('SIGKILL between delivering and removing', async () => {
  const created = await platform.api.upload('POST', '/v1/fn/_', 'f', handlerComponent());
  expect(created.status).toBe(201);
  const params = { url: couch.url, database: 'kept', username: 'ada', password: 'l0velace' };
  const sink = await platform.api.call('POST', '/v1/fn/_/f/sinks', { type: 'couchdb', params });
  expect(sink.status).toBe(201);
  const sinkId = (sink.body as { data: { id: string } }).data.id;
  const { rows } = await database.query<{ id: string }>("select id from functions where name = 'f'");
  const functionId = rows[0]?.id ?? '';

  const ids: string[] = [];
  for (let kill = 0; kill < 3; kill++) {
    couch.fault({ kind: 'mute' }, 1, ({ documents }) => documents > 1);
    ids.push(...(await insertOutcomes(functionId, sinkId, 40)));
    await expect.poll(() => couch.documents('kept').size, { timeout: 10_000 }).toBe(ids.length);
    // All but the first document, which was delivered alone.
    expect((await listed())[0]?.waiting).toBe(39);
    await platform.restartControlPlane('SIGKILL');
    await expect
      .poll(async () => (await listed())[0], { timeout: 15_000 })
      .toMatchObject({
        waiting: 0,
        delivered: ids.length,
      });
  }
  expect([...couch.documents('kept').keys()].sort()).toEqual(ids.sort());
  expect([...couch.documents('kept').values()].map(({ _rev }) => String(_rev).split('-')[0])).toEqual(
    ids.map(() => '1'),
  );
  // All log lines of the control plane at the most verbose level have no credentials.
  const said = JSON.stringify(platform.controlPlane.lines);
  expect(said).not.toContain('l0velace');
  expect(said).not.toContain(Buffer.from('ada:l0velace').toString('base64'));
}, 60_000);
