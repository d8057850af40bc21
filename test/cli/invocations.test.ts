/** Commands on recorded invocations, against a scripted API. */
import { expect, test } from 'vitest';
import { openCliBench } from './in-process.ts';

const one = {
  id: 'id-1',
  module: 'farm',
  function: 'water',
  state: 'dead',
  origin: 'mqtt',
  attempts: 3,
  agent: 'pi-1',
  created_at: '2026-01-01T00:00:00.000Z',
  error: { code: 'function_trap', message: 'unreachable' },
};

test('fn invoke --async prints the id and does not wait', async () => {
  const { run, api } = await openCliBench({ 'POST /v1/fn/_/report': { status: 202, json: { data: { id: 'id-1' } } } });
  expect(await run(['fn', 'invoke', 'report', '--async'])).toEqual({ code: 0, out: 'id-1\n', err: '' });
  expect(api.seen[0]?.headers.prefer).toBe('respond-async');
  expect((await run(['fn', 'invoke', 'report', '--async', '--json'])).out).toBe('{"invocation":"id-1"}\n');
});

test('fn invoke --async sends a key and a callback URL; both options need --async', async () => {
  const { run, api } = await openCliBench({ 'POST /v1/fn/_/report': { status: 202, json: { data: { id: 'id-1' } } } });
  const asked = ['fn', 'invoke', 'report', '--idempotency-key', 'k', '--callback-url', 'https://a/done'];
  expect(await run([...asked, '--async'])).toMatchObject({ code: 0 });
  expect(api.seen[0]?.headers).toMatchObject({ 'idempotency-key': 'k', 'x-callback-url': 'https://a/done' });
  expect(await run(asked)).toMatchObject({ code: 2, err: expect.stringContaining('--async') });
  expect(api.seen).toHaveLength(1);
});

test('invocation replay tries all ids, prints the refused ones, and fails', async () => {
  const conflict = { errors: { detail: 'Conflict', code: 'conflict', message: 'it has succeeded' } };
  const { run } = await openCliBench({
    'POST /v1/invocations/id-1/replay': { status: 202, json: { data: { id: 'id-1' } } },
    'POST /v1/invocations/id-2/replay': { status: 409, json: conflict },
    'POST /v1/invocations/id-3/replay': { status: 202, json: { data: { id: 'id-3' } } },
  });
  const replay = ['invocation', 'replay', 'id-1', 'id-2', 'id-3'];
  expect(await run(replay)).toEqual({
    code: 1,
    out: '2 of 3 are queued again\n',
    err: 'skerry: id-2: it has succeeded\nskerry: 1 of 3 were refused\n',
  });
  const { code, out, err } = await run([...replay, '--json']);
  expect(code).toBe(1);
  expect(JSON.parse(out)).toEqual({
    replayed: ['id-1', 'id-3'],
    refused: [{ id: 'id-2', message: 'it has succeeded' }],
  });
  expect(JSON.parse(err)).toMatchObject({ error: { message: '1 of 3 were refused' } });
});

test('invocation list takes two times', async () => {
  const { run, api } = await openCliBench();
  await run(['invocation', 'list', '--since', '2d', '--until', '1d']);
  const query = new URL(api.seen[0]?.path ?? '', 'http://a').searchParams;
  const [since, until] = ['since', 'until'].map((name) => Date.parse(query.get(name) ?? ''));
  expect((until ?? 0) - (since ?? 0)).toBeGreaterThan(86_000_000);
});

test('invocation list prints a line for each, and how to continue', async () => {
  const { run, api } = await openCliBench({
    'GET /v1/invocations?limit=2&function=_%2Fwater&state=dead': {
      json: { data: { invocations: [one, { ...one, id: 'id-2', agent: null, error: null }], next: 'abc' } },
    },
  });
  const { out, code } = await run(['invocation', 'list', '-f', 'water', '--state', 'dead', '-n', '2']);
  expect(code).toBe(0);
  expect(out.split('\n')).toEqual([
    'ID    FUNCTION    STATE  ORIGIN  ATTEMPTS  AGENT  MADE                      ERROR',
    'id-1  farm/water  dead   mqtt    3         pi-1   2026-01-01T00:00:00.000Z  function_trap',
    'id-2  farm/water  dead   mqtt    3         -      2026-01-01T00:00:00.000Z',
    'More: --cursor abc',
    '',
  ]);
  expect(api.seen).toHaveLength(1);
});

test('invocation get, cancel and replay', async () => {
  const { run, api } = await openCliBench({
    'GET /v1/invocations/id-1': { json: { data: one } },
    'DELETE /v1/invocations/id-1': { status: 204 },
    'POST /v1/invocations/id-1/replay': { status: 202, json: { data: { id: 'id-1' } } },
    'POST /v1/invocations/id-2/replay': { status: 202, json: { data: { id: 'id-2' } } },
  });
  expect(JSON.parse((await run(['invocation', 'get', 'id-1'])).out)).toEqual(one);
  expect((await run(['invocation', 'cancel', 'id-1'])).out).toBe('Cancelled id-1\n');
  expect((await run(['invocation', 'replay', 'id-1', 'id-2'])).out).toBe('2 of 2 are queued again\n');
  expect(api.seen.map(({ method }) => method)).toEqual(['GET', 'DELETE', 'POST', 'POST']);
});

test('an unknown state is refused locally', async () => {
  const { run, api } = await openCliBench();
  expect((await run(['invocation', 'list', '--state', 'done'])).code).toBe(2);
  expect(api.seen).toEqual([]);
});
