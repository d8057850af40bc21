/** Answers of HTTP functions through the raw endpoint: the client's view, and frames that an agent may not send. */
import { once } from 'node:events';
import { type IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { createHttpAnswer } from '@skerry/control-plane/api/invoke/http-answer.ts';
import { maxPartBytes, streamWindowBytes } from '@skerry/shared/http/http-limits.ts';
import { closeKinds } from '@skerry/shared/tunnel/close.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RawAgent } from '../harness/tunnel/raw-agent.ts';
import { answerTo, answerWhole, endAnswer, outcomeFacts, settled, startWeb, type Web } from '../harness/tunnel/web.ts';

const nothing = new Uint8Array(0);
/** Names in lower case, with their values, repeated ones apart. */
const pairs = (raw: readonly string[]) =>
  raw.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), raw[at + 1]]] : []));

let web: Web;
beforeEach(async () => {
  web = await startWeb();
});
afterEach(() => web.close());

test("complete: the function's status and headers, and ours", async () => {
  const agent = await web.agent();
  const sent = web.open('/function/web').end();
  const { id } = await agent.next('invoke');
  const headers: [string, string][] = [
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2'],
    ['connection', 'x-hop'],
    ['x-hop', '1'],
    ['x-skerry-agent', 'somebody else'],
    ['x-latin', 'caf\u00e9'],
  ];
  answerWhole(agent, id, 418, headers, 'short');
  const answer = await answerTo(sent);
  expect(answer.statusCode).toBe(418);
  expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
  expect(pairs(answer.rawHeaders)).toEqual(
    expect.arrayContaining([
      ['x-latin', 'caf\u00e9'],
      ['content-length', '5'],
      ['x-skerry-agent', 'box'],
      ['x-skerry-invocation', id],
    ]),
  );
  expect(answer.headers['x-hop']).toBeUndefined();
  expect(answer.headers['x-request-id']).toBeTypeOf('string');
  expect((await buffer(answer)).toString()).toBe('short');
});

test('in parts, with trailers; the head comes before the body', async () => {
  const agent = await web.agent();
  const sent = web.open('/function/web').end();
  const { id } = await agent.next('invoke');
  agent.send({ kind: 'accepted', id });
  const headers: [string, string][] = [
    ['content-type', 'text/event-stream'],
    ['Trailer', 'x-sum'],
  ];
  agent.send({ kind: 'head', id, status: 200, headers });
  const answer = await answerTo(sent);
  expect(answer.headers).toMatchObject({
    'transfer-encoding': 'chunked',
    'x-skerry-invocation': id,
    'x-skerry-agent': 'box',
  });
  agent.send({ kind: 'body', id, bytes: Buffer.from('one'), last: false });
  const [first] = await once(answer, 'data');
  expect(String(first)).toBe('one');
  agent.send({ kind: 'body', id, bytes: Buffer.from('two'), last: true, trailers: [['x-sum', '42']] });
  endAnswer(agent, id);
  const rest = await buffer(answer);
  expect(rest.toString()).toBe('two');
  expect(answer.headers.trailer).toBe('x-sum');
  expect(answer.trailers['x-sum']).toBe('42');
});

test.each<[string, string, (agent: RawAgent, id: string) => void]>([
  ['a complete answer', 'GET', (agent, id) => answerWhole(agent, id, 200, [['Trailer', 'x-sum']], 'short')],
  ['an answer to HEAD', 'HEAD', (agent, id) => answerWhole(agent, id, 200, [['trailer', 'x-sum']])],
  ['an answer without a body', 'GET', (agent, id) => answerWhole(agent, id, 304, [['trailer', 'x-sum']])],
])('trailers that cannot be sent are not announced: %s', async (_, method, give) => {
  const agent = await web.agent();
  const sent = web.open('/function/web', { method }).end();
  give(agent, (await agent.next('invoke')).id);
  const answer = await answerTo(sent);
  expect([200, 304]).toContain(answer.statusCode);
  expect(answer.headers.trailer).toBeUndefined();
});

test.each([
  ['content-length of its own', 'GET'],
  ['HEAD', 'HEAD'],
])('nor with %s in parts', async (_, method) => {
  const agent = await web.agent();
  const sent = web.open('/function/web', { method }).end();
  const { id } = await agent.next('invoke');
  agent.send({ kind: 'accepted', id });
  agent.send({
    kind: 'head',
    id,
    status: 200,
    headers: [
      ['content-length', '3'],
      ['trailer', 'x-sum'],
    ],
  });
  agent.send({ kind: 'body', id, bytes: Buffer.from('one'), last: true, trailers: [['x-sum', '42']] });
  endAnswer(agent, id);
  const answer = await answerTo(sent);
  expect(answer.statusCode).toBe(200);
  expect(answer.headers.trailer).toBeUndefined();
  expect((await buffer(answer)).toString()).toBe(method === 'HEAD' ? '' : 'one');
});

test('HTTP/1.0 has no trailers: they are neither announced nor sent', async () => {
  const agent = await web.agent();
  const socket = connect(Number(new URL(web.doors.url).port), '127.0.0.1');
  socket.write('GET /function/web HTTP/1.0\r\nAuthorization: Bearer t\r\n\r\n');
  const { id } = await agent.next('invoke');
  agent.send({ kind: 'accepted', id });
  agent.send({ kind: 'head', id, status: 200, headers: [['trailer', 'x-sum']] });
  agent.send({ kind: 'body', id, bytes: Buffer.from('one'), last: true, trailers: [['x-sum', '42']] });
  endAnswer(agent, id);
  const answer = (await buffer(socket)).toString();
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(answer).not.toContain('x-sum');
  expect(answer.endsWith('\r\n\r\none')).toBe(true);
});

test('a head that Node refuses is reported with the phrase of its own status', () => {
  const outgoing = new ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1 } as IncomingMessage);
  const answer = createHttpAnswer(outgoing, 'r', 10);
  const head = { status: 1_000, headers: [] };
  expect(() => answer.begin(head, [])).toThrow(expect.objectContaining({ code: 'function_http_error' }));
  expect({ begun: answer.begun, phrase: outgoing.statusMessage }).toEqual({ begun: false, phrase: '' });
});

test('credit is given as the client takes the bytes, and not before', async () => {
  const agent = await web.agent();
  const sent = web.open('/function/web').end();
  const { id } = await agent.next('invoke');
  agent.send({ kind: 'accepted', id });
  agent.send({ kind: 'head', id, status: 200, headers: [] });
  const answer = await answerTo(sent);
  answer.pause();
  const total = 32 * 1024 * 1024;
  const part = Buffer.alloc(maxPartBytes, 'x');
  let sentBytes = 0;
  let room = streamWindowBytes;
  let credits = 0;
  // The system's own buffers take some megabytes before the client's pause has an effect.
  for (let quiet = 0; quiet < 50; quiet += 1) {
    while (room >= part.byteLength) {
      agent.send({ kind: 'body', id, bytes: part, last: false });
      sentBytes += part.byteLength;
      room -= part.byteLength;
    }
    await settled(agent);
    for (const more = agent.kinds.filter((kind) => kind === 'credit').length; credits < more; credits += 1) {
      room += (await agent.next('credit')).bytes;
      quiet = 0;
    }
    if (sentBytes >= total) break;
  }
  expect(sentBytes).toBeLessThan(total);
  const received = buffer(answer);
  agent.send({ kind: 'body', id, bytes: nothing, last: true });
  endAnswer(agent, id);
  expect((await received).byteLength).toBe(sentBytes);
});

test.each([
  ['HEAD', 200],
  ['GET', 204],
  ['GET', 304],
])('%s with %i has no body, even when the function gives one', async (method, status) => {
  const agent = await web.agent();
  const sent = web.open('/function/web', { method }).end();
  const { id } = await agent.next('invoke');
  agent.send({ kind: 'accepted', id });
  agent.send({ kind: 'head', id, status, headers: [] });
  agent.send({ kind: 'body', id, bytes: Buffer.from('ignored'), last: true });
  endAnswer(agent, id);
  const answer = await answerTo(sent);
  expect(answer.statusCode).toBe(status);
  expect((await buffer(answer)).byteLength).toBe(0);
});

test.each([
  ['an error before the head', { code: 'function_trap', message: 'unreachable' }, 500],
  ['an error-code in place of an answer', { code: 'function_http_error', message: 'internal-error' }, 502],
  ['no answer', { code: 'function_no_answer', message: 'nothing' }, 504],
] as const)('%s: the error is JSON', async (_, error, status) => {
  const agent = await web.agent();
  const sent = web.open('/function/web').end();
  const { id } = await agent.next('invoke');
  agent.send({ kind: 'outcome', id, result: { ok: false, ...error }, ...outcomeFacts });
  const answer = await answerTo(sent);
  expect(answer.statusCode).toBe(status);
  expect(JSON.parse((await buffer(answer)).toString())).toMatchObject({ errors: { code: error.code } });
});

const failed = (id: string) =>
  ({ kind: 'outcome', id, result: { ok: false, code: 'function_trap', message: 'x' }, ...outcomeFacts }) as const;

test.each<[string, [string, string][], (agent: RawAgent, id: string) => void]>([
  ['an error after the head', [], (agent, id) => agent.send(failed(id))],
  ['an end without the last part', [], (agent, id) => endAnswer(agent, id)],
  ['a tunnel that ends', [], (agent) => agent.close()],
  [
    'more than the content-length',
    [['content-length', '2']],
    (agent, id) => agent.send({ kind: 'body', id, bytes: Buffer.from('HTTP/1.1 200'), last: true }),
  ],
  [
    'less than the content-length',
    [['content-length', '20']],
    (agent, id) => agent.send({ kind: 'body', id, bytes: Buffer.from('short'), last: true }),
  ],
  [
    'more than limits.body_bytes',
    [],
    (agent, id) => agent.send({ kind: 'body', id, bytes: Buffer.alloc(1_001), last: false }),
  ],
])('%s: the connection is cut, and the metric counts it', async (_, headers, then) => {
  const agent = await web.agent({ limits: { body_bytes: 1_000 } });
  const sent = web.open('/function/web').end();
  const { id } = await agent.next('invoke');
  agent.send({ kind: 'accepted', id });
  agent.send({ kind: 'head', id, status: 200, headers });
  const answer = await answerTo(sent);
  const received = buffer(answer);
  then(agent, id);
  await expect(received).rejects.toThrow('aborted');
  await expect
    .poll(() => web.doors.metrics())
    .toContain('skerry_http_answers_broken_off_total{route="ALL /function/:target"} 1');
});

test.each<[string, [string, string][]]>([
  ['a line break in a value', [['x-a', 'b\r\nx-c: d']]],
  ['a blank in a name', [['x a', 'b']]],
  ['an invalid content-length', [['content-length', '0x10']]],
  [
    'two content-lengths',
    [
      ['content-length', '5'],
      ['Content-Length', '6'],
    ],
  ],
  ['a content-length that does not match the body', [['content-length', '6']]],
])('%s in a complete answer: 502, and nothing of it is sent', async (_, headers) => {
  const agent = await web.agent();
  const sent = web.open('/function/web').end();
  const { id } = await agent.next('invoke');
  answerWhole(agent, id, 200, headers, 'short');
  const answer = await answerTo(sent);
  expect(answer.statusCode).toBe(502);
  expect(JSON.parse((await buffer(answer)).toString())).toMatchObject({ errors: { code: 'function_http_error' } });
});

test('a client that disconnects in mid-answer: the agent gets a cancel', async () => {
  const agent = await web.agent();
  const sent = web.open('/function/web').end();
  const { id } = await agent.next('invoke');
  agent.send({ kind: 'accepted', id });
  agent.send({ kind: 'head', id, status: 200, headers: [] });
  (await answerTo(sent)).destroy();
  expect(await agent.next('cancel')).toMatchObject({ id });
});

test.each<[string, (agent: RawAgent, id: string) => void]>([
  [
    'more than its window',
    (agent, id) => {
      agent.send({ kind: 'head', id, status: 200, headers: [] });
      const part = Buffer.alloc(maxPartBytes);
      for (let n = 0; n < 1_000; n += 1) agent.send({ kind: 'body', id, bytes: part, last: false });
    },
  ],
  ['a body before the head', (agent, id) => agent.send({ kind: 'body', id, bytes: nothing, last: false })],
  [
    'two heads',
    (agent, id) => {
      for (const status of [200, 201]) agent.send({ kind: 'head', id, status, headers: [] });
    },
  ],
])('an agent that sends %s loses its tunnel', async (_, send) => {
  const agent = await web.agent();
  const sent = web.open('/function/web').end();
  sent.on('response', (answer: IncomingMessage) => answer.on('error', () => undefined).pause());
  const { id } = await agent.next('invoke');
  agent.send({ kind: 'accepted', id });
  send(agent, id);
  expect((await agent.closed).code).toBe(closeKinds.bad_frame.code);
});
