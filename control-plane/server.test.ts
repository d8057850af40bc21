import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { Hono } from 'hono';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { createHttpServer, type HttpServer } from './server.ts';

let server: HttpServer;
let url: string;
let started: PromiseWithResolvers<void>;
let gate: PromiseWithResolvers<void>;
let upgrades: string[];

beforeEach(async () => {
  started = Promise.withResolvers();
  gate = Promise.withResolvers();
  upgrades = [];
  const app = new Hono()
    .get('/fast', (c) => c.text('fast'))
    .get('/slow', async (c) => {
      started.resolve();
      await gate.promise;
      return c.text('slow');
    });
  server = createHttpServer(app as unknown as Parameters<typeof createHttpServer>[0], (request, socket) => {
    upgrades.push(request.url ?? '');
    socket.end();
  });
  const { port } = await server.listen(0, '127.0.0.1');
  url = `http://127.0.0.1:${port}`;
});
afterEach(() => server.close());

test('stopping waits for requests in flight, and takes no new ones', async () => {
  const slow = fetch(`${url}/slow`);
  await started.promise;
  const stopped = server.stop(10_000).then(() => 'stopped');
  await expect(fetch(`${url}/fast`, { headers: { connection: 'close' } })).rejects.toThrow();
  expect(await Promise.race([stopped, Promise.resolve('waiting')])).toBe('waiting');
  gate.resolve();
  expect(await (await slow).text()).toBe('slow');
  expect(await stopped).toBe('stopped');
});

test('stopping waits at most for its limit; closing cuts the remaining requests', async () => {
  const slow = fetch(`${url}/slow`);
  const cut = expect(slow).rejects.toThrow();
  await started.promise;
  await server.stop(20);
  await server.close();
  await cut;
});

test('stopping without requests is immediate, even with idle connections', async () => {
  expect(await (await fetch(`${url}/fast`)).text()).toBe('fast');
  await server.stop(10_000);
  await expect(fetch(`${url}/fast`)).rejects.toThrow();
});

test('an upgrade goes to its handler', async () => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write('GET /v1/tunnel HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  socket.resume();
  await once(socket, 'close');
  expect(upgrades).toEqual(['/v1/tunnel']);
});

test.each([
  ['h2c', '/fast'],
  ['websocket', '/fast'],
  ['h2c', '/v1/tunnel'],
])('an offer to upgrade to %s at %s is ignored, and the request is answered', async (protocol, path) => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  const offer = `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocol}\r\nHTTP2-Settings: AAMAAABk\r\n`;
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n${offer}\r\n`);
  const [status, ...headers] = (await text(socket)).toLowerCase().split('\r\n');
  expect(status).toMatch(path === '/fast' ? /^http\/1\.1 200 / : /^http\/1\.1 404 /);
  expect(headers).toContain('connection: close');
  expect(upgrades).toEqual([]);
});

/** A server whose only answer is `size` bytes, and the first response that it gives. */
async function oneAnswer(size: number, clientTimeoutMs: number) {
  const { promise: given, resolve } = Promise.withResolvers<ServerResponse>();
  const only = createHttpServer(
    new Hono() as unknown as Parameters<typeof createHttpServer>[0],
    () => {},
    (_, response) => {
      response.end(Buffer.alloc(size));
      resolve(response);
      return true;
    },
    clientTimeoutMs,
  );
  onTestFinished(() => only.close());
  const { port } = await only.listen(0, '127.0.0.1');
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  return { response: await given, socket };
}

test('a client that reads nothing of a complete answer is cut off', async () => {
  const { response } = await oneAnswer(64 * 1024 * 1024, 50);
  await once(response, 'close');
  expect(response.writableFinished).toBe(false);
});

test('after the answer has been read, the connection may be idle for any time', async () => {
  const { response, socket } = await oneAnswer(64 * 1024 * 1024, 10_000);
  expect(response.socket?.timeout).toBe(10_000);
  const { socket: connection } = response;
  socket.resume();
  await once(response, 'finish');
  expect(connection?.timeout).toBeGreaterThan(60_000);
});

test('a port that is not available is reported', async () => {
  const other = createHttpServer(new Hono() as unknown as Parameters<typeof createHttpServer>[0], () => {});
  await expect(other.listen(Number(new URL(url).port), '127.0.0.1')).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
