/** All faults of CouchDB, against real processes: every outcome is delivered once, and no call waits for it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CouchDb, type CouchFault, type CouchRequest, startCouchDb } from '../harness/couchdb/couchdb.ts';
import { handlerComponent } from '../harness/fixtures.ts';
import { type Platform, startPlatform } from '../harness/platform.ts';

let couch: CouchDb;
let platform: Platform;
const sink = (params: object = {}) => ({
  type: 'couchdb',
  params: {
    url: couch.url,
    database: 'outcomes',
    create: true,
    username: 'ada',
    password: 'l0velace',
    envelope: true,
    ...params,
  },
});

beforeAll(async () => {
  couch = await startCouchDb({ user: 'ada', password: 'l0velace' });
  platform = await startPlatform();
  await platform.agent('box');
  expect((await platform.api.upload('POST', '/v1/fn/_', 'f', handlerComponent())).status).toBe(201);
  expect((await platform.api.call('POST', '/v1/fn/_/f/sinks', sink())).status).toBe(201);
});
afterAll(async () => {
  await platform?.stop();
  await couch?.stop();
});

/** Ids of the invocations, which were answered. */
async function call(count: number): Promise<string[]> {
  const answers = await Promise.all(
    Array.from({ length: count }, (_, n) => platform.api.call('POST', '/v1/fn/_/f', { args: { n } })),
  );
  expect(answers.map(({ status }) => status)).toEqual(new Array(count).fill(200));
  return answers.map(({ headers }) => headers.get('x-skerry-invocation') ?? '');
}

type Shown = { id: string; waiting: number; dead: number; state: string; error: string | null };
async function shown(): Promise<Shown> {
  const { body } = await platform.api.call('GET', '/v1/sinks');
  return (body as { data: [Shown] }).data[0];
}

/** Each document is there in its first revision, and no delivery is pending. */
async function allThere(ids: readonly string[]): Promise<void> {
  const revisions = () => ids.map((id) => String(couch.documents('outcomes').get(id)?._rev).split('-')[0]);
  // An outcome is written after the answer, so the pending count is meaningless before the document is there.
  await expect.poll(revisions, { timeout: 30_000, interval: 50 }).toEqual(ids.map(() => '1'));
  await expect.poll(shown, { timeout: 10_000, interval: 50 }).toMatchObject({ waiting: 0, dead: 0, error: null });
}

const bulk = ({ path }: CouchRequest) => path.endsWith('/_bulk_docs');
const write = ({ documents }: CouchRequest) => documents > 0;
const status = (code: number): CouchFault => ({ kind: 'status', status: code });

test('another process creates the database in between: 412', async () => {
  const made = ({ method, path }: CouchRequest) => method === 'PUT' && path === '/outcomes';
  couch.fault(status(412), 1, (request) => {
    if (made(request)) couch.createDatabase('outcomes');
    return made(request);
  });
  await allThere(await call(3));
  expect(couch.requests.filter(made)).toHaveLength(1);
});

test.each<[string, CouchFault, RegExp]>([
  ['401', status(401), /401/],
  ['403', status(403), /403/],
  ['404', status(404), /404/],
  ['429', status(429), /429/],
  ['500', status(500), /500/],
  ['503', status(503), /503/],
  ['a truncated answer', { kind: 'cut' }, /broken off|aborted|cut/],
  ['garbage', { kind: 'garbage' }, /not CouchDB/],
])('%s', async (_, fault, error) => {
  couch.fault(fault, Number.POSITIVE_INFINITY, write);
  const ids = await call(5);
  await expect
    .poll(shown, { timeout: 10_000 })
    .toMatchObject({ state: 'failing', error: expect.stringMatching(error) });
  ids.push(...(await call(5)));
  couch.fault(undefined);
  await allThere(ids);
});

test('CouchDB is stopped, and started again', async () => {
  await couch.stop();
  const ids = await call(20);
  await expect.poll(shown, { timeout: 10_000 }).toMatchObject({ state: 'failing' });
  await couch.start();
  await allThere(ids);
});

test('409: an existing document stays as it is', async () => {
  couch.fault({ kind: 'cut' }, 1, write);
  const before = couch.requests.length;
  const ids = await call(1);
  await allThere(ids);
  expect(couch.requests.slice(before).filter(write)).toHaveLength(2);
});

test('413: a batch goes in parts, and a document that is too large is a dead letter until it fits', async () => {
  couch.limits({ request: 1_500 });
  couch.fault(status(503), Number.POSITIVE_INFINITY, write);
  const ids = await call(20);
  await expect.poll(shown, { timeout: 10_000 }).toMatchObject({ waiting: 20 });
  couch.fault(undefined);
  await allThere(ids);
  expect(couch.requests.filter(bulk).length).toBeGreaterThan(2);

  couch.limits({ request: 1e9, document: 100 });
  const large = await call(1);
  await expect.poll(shown, { timeout: 10_000 }).toMatchObject({ waiting: 0, dead: 1 });
  couch.limits({ document: 1e6 });
  const { id } = await shown();
  expect((await platform.api.call('POST', `/v1/sinks/${id}/replay`, {})).body).toEqual({ data: { replayed: 1 } });
  await allThere(large);
});

test('CouchDB hangs: calls are answered all the same, and a changed sink does not wait for the hanging request', async () => {
  couch.fault({ kind: 'hang' }, Number.POSITIVE_INFINITY, write);
  const before = couch.requests.length;
  const ids = await call(1);
  await expect.poll(() => couch.requests.length, { timeout: 10_000 }).toBeGreaterThan(before);
  ids.push(...(await call(20)));
  expect(await shown()).toMatchObject({ dead: 0 });
  couch.fault(undefined);
  const { id } = await shown();
  const changed = sink({ retry: { attempts: 20 } });
  expect((await platform.api.call('PUT', `/v1/fn/_/f/sinks/${id}`, changed)).status).toBe(200);
  await allThere(ids);
});
