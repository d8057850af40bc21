/** `skerry sink` against a scripted API. */
import { expect, test } from 'vitest';
import { openCliBench } from './in-process.ts';

const sink = {
  id: '01a1',
  module: '_',
  function: 'water',
  type: 'couchdb',
  url: 'http://couch:5984/soil',
  state: 'idle',
  waiting: 0,
  dead: 0,
  delivered: 7,
  lag_seconds: 0,
  last_delivered_at: null,
  error: null,
  next_try_at: null,
};
const failing = {
  ...sink,
  id: '01a2',
  state: 'failing',
  waiting: 12,
  dead: 1,
  lag_seconds: 90,
  error: 'CouchDB says 401 unauthorized',
  next_try_at: '2026-03-01T12:00:00.000Z',
};

test('sink list shows all sinks, or those of one function', async () => {
  const { run } = await openCliBench({
    'GET /v1/sinks': { json: { data: [sink, failing] } },
    'GET /v1/sinks?function=shop%2Fwater': { json: { data: [sink] } },
  });
  const { out } = await run(['sink', 'list']);
  expect(out.split('\n')).toEqual([
    'FUNCTION  TYPE     STATE    WAITING  LAG     DEAD  DELIVERED  LEADS TO                ID',
    '_/water   couchdb  idle     0        -       0     7          http://couch:5984/soil  01a1',
    '_/water   couchdb  failing  12       90.0 s  1     7          http://couch:5984/soil  01a2',
    '01a2: CouchDB says 401 unauthorized; next try at 2026-03-01T12:00:00.000Z',
    '',
  ]);
  const one = await run(['sink', 'list', 'water', '-m', 'shop', '--json']);
  expect(JSON.parse(one.out)).toEqual([sink]);
});

test('sink dead lists dead letters page by page, and sink replay replays them', async () => {
  const dead = [{ invocation: 'i1', error: 'too large', attempts: 1, created_at: '2026-03-01T12:00:00.000Z' }];
  const { run, api } = await openCliBench({
    'GET /v1/sinks/01a1/dead?limit=1': { json: { data: { dead, cursor: '5' } } },
    'GET /v1/sinks/01a1/dead?limit=100&cursor=5': { json: { data: { dead: [], cursor: null } } },
    'POST /v1/sinks/01a1/replay': { json: { data: { replayed: 2 } } },
  });
  const first = await run(['sink', 'dead', '01a1', '--limit', '1']);
  expect(first.out).toContain('i1          1         2026-03-01T12:00:00.000Z  too large');
  expect(first.err).toContain('--cursor 5');
  expect((await run(['sink', 'dead', '01a1', '--cursor', '5'])).err).toBe('');
  expect((await run(['sink', 'replay', '01a1'])).out).toBe('2 are queued again\n');
  await run(['sink', 'replay', '01a1', 'i1', 'i2']);
  const sent = api.seen.filter(({ method }) => method === 'POST').map(({ body }) => JSON.parse(body.toString()));
  expect(sent).toEqual([{}, { invocations: ['i1', 'i2'] }]);
});

test('a replay of an invocation without a dead letter fails, and says how many wait again', async () => {
  const { run } = await openCliBench({ 'POST /v1/sinks/01a1/replay': { json: { data: { replayed: 1 } } } });
  expect(await run(['sink', 'replay', '01a1', 'i1', 'i1', 'garbage'])).toEqual({
    code: 1,
    out: '1 of 2 are queued again\n',
    err: 'skerry: the others are not dead letters of this sink; see: skerry sink dead\n',
  });
  expect(await run(['sink', 'replay', '01a1'])).toMatchObject({ code: 0, out: '1 are queued again\n' });
});
