/** Commands on triggers, sinks and secrets against a scripted API. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openCliBench } from './in-process.ts';

const created = { status: 201, json: { data: { id: 'id-1' } } };
const counts = { received: 9, run: 7, failed: 1, dropped: 1 };

test('trigger create reads --set, as JSON where it is JSON, and --edge', async () => {
  const { run, api } = await openCliBench({ 'POST /v1/fn/farm/water/triggers': created });
  const set = ['host=broker', 'topic=soil/#', 'qos=2', 'tls.ca=PEM', 'tls.servername=b'];
  const arguments_ = set.flatMap((pair) => ['--set', pair]);
  expect(await run(['trigger', 'create', '-m', 'farm', 'water', 'mqtt', '--edge', ...arguments_])).toEqual({
    code: 0,
    out: 'Created mqtt trigger id-1 of farm/water\n',
    err: '',
  });
  expect(JSON.parse(String(api.seen[0]?.body))).toEqual({
    type: 'mqtt',
    params: { host: 'broker', topic: 'soil/#', qos: 2, tls: { ca: 'PEM', servername: 'b' }, placement: 'edge' },
  });
});

test('a number stays text in a text parameter', async () => {
  const { run, api } = await openCliBench({ 'POST /v1/fn/_/water/triggers': created });
  const set = ['host=10', 'username=012345', 'version=5', 'port=1883', 'args.n=5', 'args.to={"n":1}'];
  const arguments_ = set.flatMap((pair) => ['--set', pair]);
  expect(await run(['trigger', 'create', 'water', 'mqtt', ...arguments_])).toMatchObject({ code: 0 });
  expect(JSON.parse(String(api.seen[0]?.body)).params).toEqual({
    host: '10',
    username: '012345',
    version: '5',
    port: 1_883,
    args: { n: 5, to: { n: 1 } },
  });
});

test('sink create reads parameters from a file, and --set overrides them', async () => {
  const { run, api, directory } = await openCliBench({ 'POST /v1/fn/_/water/sinks': created });
  await writeFile(join(directory, 'sink.json'), '{"url":"http://a/db","password":"p"}');
  const { code } = await run(['sink', 'create', 'water', 'couchdb', '--file', 'sink.json', '--set', 'url=http://b/db']);
  expect(code).toBe(0);
  expect(JSON.parse(String(api.seen[0]?.body)).params).toEqual({ url: 'http://b/db', password: 'p' });
});

test.each(['password=x', 'token=x', 'tls.key=x', 'tls={"ca":"x","key":"x"}'])(
  '--set %s is refused, since arguments are visible',
  async (pair) => {
    const { run, api } = await openCliBench();
    const { code, err } = await run(['sink', 'create', 'water', 'mqtt', '--set', pair]);
    expect(code).toBe(2);
    expect(err).toContain('skerry secret set');
    expect(api.seen).toEqual([]);
  },
);

test('trigger list has a line for each place, and the counts of the trigger', async () => {
  const params = { topic: 'a/#', host: 'b', placement: 'edge' };
  const trigger = { id: 'id-1', type: 'mqtt', params, ...counts, last_message_at: '2026-01-02T03:04:05.000Z' };
  const place = { ...counts, received: 3, pending: 3 };
  const { run } = await openCliBench({
    'GET /v1/fn/_/water/triggers': {
      json: {
        data: [
          {
            ...trigger,
            places: [
              { ...place, agent: 'pi-1', state: 'up', since: '2026-01-01T00:00:00.000Z' },
              { ...place, agent: 'pi-2', state: 'failing', error: 'connection\n refused' },
            ],
            offline: [{ agent: 'pi-3', since: '2026-01-01T12:00:00.000Z' }],
          },
          { id: 'id-2', type: 'mqtt', params: { ...params, port: 18_830 }, ...counts, places: [], offline: [] },
        ],
      },
    },
  });
  expect((await run(['trigger', 'list', 'water'])).out.split('\n')).toEqual([
    'ID    TYPE  WHAT            WHERE     STATE                        SINCE                     PENDING  RECEIVED  RUN  FAILED  DROPPED  LAST',
    'id-1  mqtt  a/# at b:1883   pi-1      up                           2026-01-01T00:00:00.000Z  3        9         7    1       1        2026-01-02T03:04:05.000Z',
    'id-1  mqtt  a/# at b:1883   pi-2      failing: connection refused  -                         3',
    'id-1  mqtt  a/# at b:1883   pi-3      offline                      2026-01-01T12:00:00.000Z  -',
    'id-2  mqtt  a/# at b:18830  no agent  not running                  -                         -        9         7    1       1        -',
    '',
  ]);
});

test('an update sends unchanged parameters with the changed ones', async () => {
  const path = '/v1/fn/_/water/triggers/id-1';
  const { run, api } = await openCliBench({
    [`GET ${path}`]: {
      json: { data: { type: 'mqtt', params: { host: 'b', topic: 't', qos: 1, tls: { ca: 'PEM' } } } },
    },
    [`PUT ${path}`]: { json: { data: { id: 'id-1' } } },
  });
  expect(await run(['trigger', 'update', 'water', 'id-1', '--set', 'qos=2', '--set', 'tls.servername=x'])).toEqual({
    code: 0,
    out: 'Updated trigger id-1 of _/water\n',
    err: '',
  });
  expect(JSON.parse(String(api.seen[1]?.body))).toEqual({
    type: 'mqtt',
    params: { host: 'b', topic: 't', qos: 2, tls: { ca: 'PEM', servername: 'x' } },
  });
  expect(await run(['trigger', 'update', 'water', 'id-1'])).toMatchObject({ code: 2 });
});

test('an update without the credentials is refused, since they cannot be read back', async () => {
  const path = '/v1/fn/_/water/sinks/id-1';
  const params = { url: 'http://a/db', username: 'u', credentials: 'sealed' };
  const { run, api, directory } = await openCliBench({
    [`GET ${path}`]: { json: { data: { type: 'couchdb', params } } },
    [`PUT ${path}`]: { json: { data: { id: 'id-1' } } },
  });
  const update = (...options: string[]) => run(['sink', 'update', 'water', 'id-1', ...options]);
  const lost = await update('--set', 'envelope=true');
  expect(lost).toMatchObject({ code: 2, err: expect.stringContaining('give them again') });
  await writeFile(join(directory, 'sink.json'), '{"password":"p"}');
  expect(await update('--set', 'envelope=true', '--file', 'sink.json')).toMatchObject({ code: 0 });
  expect(await update('--set', 'password_secret=couch')).toMatchObject({ code: 0 });
  const sent = api.seen.filter(({ method }) => method === 'PUT').map(({ body }) => JSON.parse(String(body)).params);
  const { credentials: _, ...shown } = params;
  expect(sent).toEqual([
    { ...shown, envelope: true, password: 'p' },
    { ...shown, password_secret: 'couch' },
  ]);
});

describe('a deploy sends the lists of triggers and sinks', () => {
  const bare = {
    module: '_',
    name: 'water',
    revision: 2,
    world: 'w',
    size: 1,
    agents: { total: 0, applied: 0, failed: [] },
  };
  const deployed = { ...bare, permissions: { added: [], removed: [] } };
  const refused = (message: string) => ({ status: 'error', message });
  const deploy = async (data: object, isNew: boolean, content: string, ...more: string[]) => {
    const { run, api, directory } = await openCliBench({
      [isNew ? 'POST /v1/fn/_' : 'PUT /v1/fn/_/water']: { status: 207, json: { data: { ...deployed, ...data } } },
      ...(isNew ? {} : { 'GET /v1/fn/_/water': { json: { data: {} } } }),
    });
    await writeFile(join(directory, 'w.wasm'), 'w');
    await writeFile(join(directory, 'events.json'), content);
    return { api, ...(await run(['fn', 'deploy', 'water', 'w.wasm', '--events', 'events.json', ...more])) };
  };

  test('a deploy with a refused entry fails, prints each reason once, and says which entries the function has', async () => {
    const events = [...Array(3).fill(refused('too many')), refused('params.topic must be given')];
    const { code, err, out } = await deploy({ events }, false, '[]');
    expect(code).toBe(1);
    expect(out).toContain('Updated _/water');
    expect(err.split('\n')).toEqual([
      'skerry: trigger 1 to 3 refused: too many',
      'skerry: trigger 4 refused: params.topic must be given',
      'skerry: the code is deployed, but not all of its triggers and sinks: its triggers have not changed',
      '',
    ]);
  });

  test('a new function gets the valid entries of a list', async () => {
    const events = [refused('bad'), { status: 'success' }];
    const { code, err, out } = await deploy({ events }, true, '[]', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ events });
    expect(JSON.parse(err).error.message).toContain('it has 1 of 2 triggers');
  });

  test.each(['{', '{}'])('a file with %s is refused', async (content) => {
    const { code, err, api } = await deploy({}, true, content);
    expect({ code, seen: api.seen }).toEqual({ code: 2, seen: [] });
    expect(err).toContain('events.json');
  });
});

test('secret set reads the value from standard input, whole, and does not print it', async () => {
  const { run, api } = await openCliBench({ 'PUT /v1/secrets/key': { status: 204 } });
  const pem = '-----BEGIN KEY-----\nabc\n-----END KEY-----';
  expect(await run(['secret', 'set', 'key'], { input: `${pem}\n` })).toEqual({
    code: 0,
    out: 'Set secret key\n',
    err: '',
  });
  expect(JSON.parse(String(api.seen[0]?.body))).toEqual({ value: pem });
  expect((await run(['secret', 'set', 'key'], { input: '' })).code).toBe(2);
});
