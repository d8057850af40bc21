/** Requests to HTTP functions through the raw endpoint: their content for the function, and its timing. */
import { once } from 'node:events';
import { maxPartBytes, streamWindowBytes } from '@skerry/shared/http/http-limits.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectGreeted } from '../harness/tunnel/raw-agent.ts';
import { answerTo, answerWhole, outcomeFacts, settled, startWeb, type Web } from '../harness/tunnel/web.ts';

let web: Web;
beforeEach(async () => {
  web = await startWeb();
});
afterEach(() => web.close());

test('passes unchanged, except for the headers between the caller and us', async () => {
  const agent = await web.agent();
  const sent = web.open('/function/web/a%20b/c?x=1&y=%2F', {
    method: 'PATCH',
    headers: {
      host: 'shop.example:8080',
      'X-Two': ['one', 'two'],
      connection: 'close, x-hop',
      'x-hop': '1',
      'x-skerry-agent': 'box',
      te: 'trailers',
    },
  });
  sent.end('body');
  const { id, http, input, streams } = await agent.next('invoke');
  expect(http).toMatchObject({
    method: 'PATCH',
    scheme: 'http',
    authority: 'shop.example:8080',
    path: '/a%20b/c?x=1&y=%2F',
  });
  expect(http?.headers.filter(([name]) => name.toLowerCase() !== 'content-length')).toEqual([
    ['X-Two', 'one'],
    ['X-Two', 'two'],
  ]);
  expect(Buffer.from(input).toString()).toBe('body');
  expect(streams).toBeUndefined();
  answerWhole(agent, id, 204);
  expect((await answerTo(sent)).statusCode).toBe(204);
});

test.each([
  ['/function/web', '/'],
  ['/function/web?q', '/?q'],
  ['/function/web._/', '/'],
  ['/function/web//x', '//x'],
])('%s is %s to the function', async (path, seen) => {
  const agent = await web.agent();
  const sent = web.open(path).end();
  const { id, http } = await agent.next('invoke');
  expect(http?.path).toBe(seen);
  answerWhole(agent, id);
  await answerTo(sent);
});

test('a long body goes in parts, after the function began, and stops at the window', async () => {
  const agent = await web.agent();
  const body = Buffer.alloc(1024 * 1024, 'abcdefg');
  const sent = web.open('/function/web', { method: 'POST', headers: { 'content-length': body.byteLength } });
  sent.end(body);
  const { id, streams } = await agent.next('invoke');
  expect(streams).toBe(true);
  await settled(agent);
  expect(agent.kinds).not.toContain('body');

  agent.send({ kind: 'accepted', id });
  const parts: Buffer[] = [];
  let size = 0;
  while (size < body.byteLength) {
    const { bytes, last } = await agent.next('body');
    expect(bytes.byteLength).toBeLessThanOrEqual(maxPartBytes);
    expect(last).toBe(false);
    parts.push(Buffer.from(bytes));
    size += bytes.byteLength;
    if (size + maxPartBytes <= streamWindowBytes) continue;
    if (size <= streamWindowBytes) {
      await settled(agent);
      const more = agent.kinds.filter((kind) => kind === 'body').length;
      expect(more * maxPartBytes).toBeLessThanOrEqual(streamWindowBytes + maxPartBytes);
    }
    agent.send({ kind: 'credit', id, bytes: bytes.byteLength });
  }
  expect(Buffer.concat(parts).equals(body)).toBe(true);
  expect(await agent.next('body')).toMatchObject({ last: true });
  answerWhole(agent, id);
  await answerTo(sent);
});

test('a chunked body with trailers, and "100-continue"', async () => {
  const agent = await web.agent();
  const sent = web.open('/function/web', {
    method: 'POST',
    headers: { expect: '100-continue', 'transfer-encoding': 'chunked', trailer: 'x-sum' },
  });
  sent.flushHeaders();
  await once(sent, 'continue');
  sent.addTrailers({ 'x-sum': '42', authorization: 'x' });
  sent.end('text');
  const { id, http } = await agent.next('invoke');
  expect(http?.headers.map(([name]) => name.toLowerCase())).not.toContain('expect');
  agent.send({ kind: 'accepted', id });
  const first = await agent.next('body');
  expect(Buffer.from(first.bytes).toString()).toBe('text');
  expect(await agent.next('body')).toMatchObject({ last: true, trailers: [['x-sum', '42']] });
  answerWhole(agent, id);
  await answerTo(sent);
});

test('a body over limits.body_bytes: 413, at once where its length is known, else in mid-stream', async () => {
  const agent = await web.agent({ limits: { body_bytes: 100_000 } });
  const told = web.open('/function/web', { method: 'POST', headers: { 'content-length': 100_001 } });
  told.flushHeaders();
  expect((await answerTo(told)).statusCode).toBe(413);
  const untold = web.open('/function/web', { method: 'POST' });
  untold.write(Buffer.alloc(90_000));
  const { id } = await agent.next('invoke');
  agent.send({ kind: 'accepted', id });
  await agent.next('body');
  untold.end(Buffer.alloc(20_000));
  expect((await answerTo(untold)).statusCode).toBe(413);
  expect(await agent.next('cancel')).toMatchObject({ id });
});

test('a client that disconnects in mid-request: the agent gets a cancel', async () => {
  const agent = await web.agent();
  const sent = web.open('/function/web', { method: 'POST' });
  sent.write('first');
  const { id } = await agent.next('invoke');
  agent.send({ kind: 'accepted', id });
  await agent.next('body');
  sent.destroy();
  expect(await agent.next('cancel')).toMatchObject({ id });
});

test('a refused call goes elsewhere, its body untouched', async () => {
  const busy = await web.agent();
  const free = await connectGreeted(web.hub.url, { name: 'free', memoryAvailable: 1_500_000 });
  const sent = web.open('/function/web', { method: 'POST' });
  sent.write('text');
  sent.end();
  const refused = await busy.next('invoke');
  busy.send({
    kind: 'outcome',
    id: refused.id,
    result: { ok: false, code: 'agent_busy', message: 'full' },
    ...outcomeFacts,
  });
  const { id } = await free.next('invoke');
  free.send({ kind: 'accepted', id });
  expect(Buffer.from((await free.next('body')).bytes).toString()).toBe('text');
  answerWhole(free, id);
  expect((await answerTo(sent)).statusCode).toBe(200);
});
