/** Answers of HTTP functions through the raw door: what the client gets of them, and what an agent may not send. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { closeKinds } from '@skerry/shared/close.ts';
import { maxPartBytes, streamWindowBytes } from '@skerry/shared/http-limits.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RawAgent } from './harness/raw-agent.ts';
import { answerTo, answerWhole, endAnswer, outcomeFacts, settled, startWeb, type Web } from './harness/web.ts';

const nothing = new Uint8Array(0);
/** Names in lower case, with their values, repeated ones apart. */
const pairs = (raw: readonly string[]) =>
  raw.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), raw[at + 1]]] : []));

let web: Web;
beforeEach(async () => {
  web = await startWeb();
});
afterEach(() => web.close());

test('whole: status, headers as they are, and ours', async () => {
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
  agent.send({ kind: 'head', id, status: 200, headers: [['content-type', 'text/event-stream']] });
  const answer = await answerTo(sent);
  expect(answer.headers['transfer-encoding']).toBe('chunked');
  agent.send({ kind: 'body', id, bytes: Buffer.from('one'), last: false });
  const [first] = await once(answer, 'data');
  expect(String(first)).toBe('one');
  agent.send({ kind: 'body', id, bytes: Buffer.from('two'), last: true, trailers: [['x-sum', '42']] });
  endAnswer(agent, id);
  const rest = await buffer(answer);
  expect(rest.toString()).toBe('two');
  expect(answer.trailers['x-sum']).toBe('42');
});

test('credit comes as the client takes the bytes, and not before', async () => {
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
  // The system's own buffers take some megabytes before the client's pause is felt.
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
])('%s with %i has no body, whatever the function gives', async (method, status) => {
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
] as const)('%s: told as JSON', async (_, error, status) => {
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
  ['a tunnel that goes', [], (agent) => agent.close()],
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
])('%s: the connection is cut, and it is counted', async (_, headers, then) => {
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
  ['a content-length that is none', [['content-length', '0x10']]],
  [
    'two content-lengths',
    [
      ['content-length', '5'],
      ['Content-Length', '6'],
    ],
  ],
  ["a content-length that is not the body's", [['content-length', '6']]],
])('%s in a whole answer: 502, and nothing of it goes out', async (_, headers) => {
  const agent = await web.agent();
  const sent = web.open('/function/web').end();
  const { id } = await agent.next('invoke');
  answerWhole(agent, id, 200, headers, 'short');
  const answer = await answerTo(sent);
  expect(answer.statusCode).toBe(502);
  expect(JSON.parse((await buffer(answer)).toString())).toMatchObject({ errors: { code: 'function_http_error' } });
});

test('a client that goes in mid-answer: the agent is told', async () => {
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
