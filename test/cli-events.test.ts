/** Commands on triggers, sinks and secrets against a scripted API. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type CliBench, createCliBench } from './cli-bench.ts';
import type { FakeAnswer } from './fake-api.ts';

async function bench(answers: Record<string, FakeAnswer> = {}): Promise<CliBench> {
  const created = await createCliBench(answers);
  onTestFinished(() => created.close());
  return created;
}

const created = { status: 201, json: { data: { id: 'id-1' } } };
const counts = { received: 9, run: 7, failed: 1, dropped: 1 };

test('a trigger is made of --set, with JSON where it is JSON, and --edge', async () => {
  const { run, api } = await bench({ 'POST /v1/fn/farm/water/triggers': created });
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

test('a number stays text where a text is meant', async () => {
  const { run, api } = await bench({ 'POST /v1/fn/_/water/triggers': created });
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

test('a sink takes its parameters from a file, which --set overrides', async () => {
  const { run, api, directory } = await bench({ 'POST /v1/fn/_/water/sinks': created });
  await writeFile(join(directory, 'sink.json'), '{"url":"http://a/db","password":"p"}');
  const { code } = await run(['sink', 'create', 'water', 'couchdb', '--file', 'sink.json', '--set', 'url=http://b/db']);
  expect(code).toBe(0);
  expect(JSON.parse(String(api.seen[0]?.body)).params).toEqual({ url: 'http://b/db', password: 'p' });
});

test.each(['password=x', 'token=x', 'tls.key=x', 'tls={"ca":"x","key":"x"}'])(
  '--set %s is refused: arguments are no place for it',
  async (pair) => {
    const { run, api } = await bench();
    const { code, err } = await run(['sink', 'create', 'water', 'mqtt', '--set', pair]);
    expect(code).toBe(2);
    expect(err).toContain('skerry secret set');
    expect(api.seen).toEqual([]);
  },
);

test('the list of triggers has a line for each place', async () => {
  const trigger = { id: 'id-1', type: 'mqtt', params: { topic: 'a/#', host: 'b', placement: 'edge' }, ...counts };
  const place = { ...counts, pending: 3 };
  const { run } = await bench({
    'GET /v1/fn/_/water/triggers': {
      json: {
        data: [
          {
            ...trigger,
            places: [
              { ...place, agent: 'pi-1', state: 'up' },
              { ...place, agent: 'pi-2', state: 'failing', error: 'connection refused' },
            ],
          },
          { ...trigger, id: 'id-2', places: [] },
        ],
      },
    },
  });
  expect((await run(['trigger', 'list', 'water'])).out.split('\n')).toEqual([
    'ID    TYPE  WHAT      WHERE     STATE                        RUN  FAILED  DROPPED  PENDING',
    'id-1  mqtt  a/# at b  pi-1      up                           7    1       1        3',
    'id-1  mqtt  a/# at b  pi-2      failing: connection refused  7    1       1        3',
    'id-2  mqtt  a/# at b  no agent  not running                  7    1       1        -',
    '',
  ]);
});

test('the value of a secret comes from standard input, whole, and is not printed', async () => {
  const { run, api } = await bench({ 'PUT /v1/secrets/key': { status: 204 } });
  const pem = '-----BEGIN KEY-----\nabc\n-----END KEY-----';
  expect(await run(['secret', 'set', 'key'], { input: `${pem}\n` })).toEqual({
    code: 0,
    out: 'Set secret key\n',
    err: '',
  });
  expect(JSON.parse(String(api.seen[0]?.body))).toEqual({ value: pem });
  expect((await run(['secret', 'set', 'key'], { input: '' })).code).toBe(2);
});
