/** An HTTP sink against a real server. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import { httpSinkParamsSchema } from '@skerry/shared/function/sinks.ts';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { openHttp } from './http.ts';
import type { OpenSink, SinkDocument } from './open-sink.ts';

type Seen = { headers: IncomingHttpHeaders; body: string };

let server: Server;
let url: string;
let seen: Seen[];
let answer: (response: ServerResponse, request: Seen) => void;

beforeEach(async () => {
  seen = [];
  answer = (response) => response.writeHead(204).end();
  server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    const one = { headers: request.headers, body };
    seen.push(one);
    answer(response, one);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

const never = new AbortController().signal;
const documents = (count: number): SinkDocument[] =>
  Array.from({ length: count }, (_, n) => ({ id: `id-${n}`, json: `{"n":${n}}` }));
const all = (count: number, kind: string) => new Array(count).fill(expect.objectContaining({ kind }));

function open(params: object = {}, timeoutMs = 500): OpenSink {
  const sink = openHttp(httpSinkParamsSchema.parse({ url, ...params }), () => performance.now(), timeoutMs);
  onTestFinished(() => sink.close());
  return sink;
}

test('each document is posted with its id', async () => {
  expect(await open({ token: 't0ken' }).deliver(documents(20), never)).toMatchObject({ verdicts: all(20, 'taken') });
  expect(seen.map(({ headers }) => headers['idempotency-key']).sort()).toEqual(
    documents(20)
      .map(({ id }) => id)
      .sort(),
  );
  expect(seen[0]).toMatchObject({
    headers: { authorization: 'Bearer t0ken', 'content-type': 'application/json' },
    body: expect.stringMatching(/^\{"n":\d+\}$/),
  });
  await open({ username: 'a', password: 'b' }).deliver(documents(1), never);
  expect(seen.at(-1)?.headers.authorization).toBe(`Basic ${Buffer.from('a:b').toString('base64')}`);
});

test.each([
  [200, 'taken'],
  [202, 'taken'],
  [409, 'taken'],
  [400, 'again'],
  [418, 'again'],
  [422, 'again'],
  [413, 'refused'],
])('%i: %s', async (status, kind) => {
  answer = (response) => response.writeHead(status).end('why\nso?');
  const { verdicts, down } = await open().deliver(documents(2), never);
  expect(verdicts).toEqual(all(2, kind));
  expect(down).toBeUndefined();
  // In our words: the server's text could be anything that it can read.
  const reason = `the server says ${status} ${STATUS_CODES[status]}`;
  if (kind !== 'taken') expect(verdicts[0]).toEqual({ kind, reason });
});

test.each([301, 307, 401, 403, 404, 408, 429, 500, 503])('%i is the sink’s fault', async (status) => {
  answer = (response) => response.writeHead(status, { location: '/other', 'retry-after': '3' }).end();
  const { verdicts, down } = await open({ token: 't0ken' }).deliver(documents(30), never);
  expect(verdicts).toEqual(new Array(30).fill(undefined));
  expect(down).toEqual({ reason: `the server says ${status} ${STATUS_CODES[status]}`, waitMs: 3_000 });
  expect(seen.length).toBeLessThanOrEqual(8);
});

test.each<[string, (response: ServerResponse) => void, RegExp]>([
  ['hangs', () => {}, /no answer within 0.5 s/],
  [
    'cuts',
    (response) => response.writeHead(200, { 'content-length': 10 }).write('x', () => response.destroy()),
    /broken off|aborted|cut/,
  ],
  ['says too much', (response) => response.end(Buffer.alloc(2_000_000)), /more than/],
])('a server that %s', async (_, behave, reason) => {
  answer = behave;
  const { verdicts, down } = await open().deliver(documents(1), never);
  expect(verdicts).toEqual([undefined]);
  expect(down?.reason).toMatch(reason);
});

test('in order: one after another, and nothing overtakes', async () => {
  answer = (response, { body }) => response.writeHead(body === '{"n":3}' ? 422 : 200).end();
  const { verdicts, down } = await open({ ordered: true }).deliver(documents(6), never);
  expect(verdicts.map((verdict) => verdict?.kind)).toEqual(['taken', 'taken', 'taken', 'again', undefined, undefined]);
  expect(down).toBeUndefined();
  expect(seen.map(({ body }) => body)).toEqual(['{"n":0}', '{"n":1}', '{"n":2}', '{"n":3}']);
});

test('a connection that was closed meanwhile is no failure', async () => {
  const sink = open();
  await sink.deliver(documents(1), never);
  server.closeAllConnections();
  expect(await sink.deliver(documents(1), never)).toMatchObject({ verdicts: all(1, 'taken') });
});

test('link-local addresses are not connected to', async () => {
  const { down } = await open({ url: 'http://169.254.169.254/latest' }).deliver(documents(1), never);
  expect(down?.reason).toMatch(/forbidden address/);
});
