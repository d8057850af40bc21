/** Connections of exchanges, to real servers. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createExchange } from './http-exchange.ts';

/** A server that never closes a connection by itself, nor announces that it would. */
async function startPatientServer(answerMs = 0) {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer(
    { keepAliveTimeout: 0 },
    (_, response) => void setTimeout(() => response.end(), answerMs),
  );
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return { url, sockets, connections: () => connections };
}

function open(timeoutMs: number, idleMs: number) {
  const exchange = createExchange(undefined, timeoutMs, idleMs);
  onTestFinished(() => exchange.close());
  const signal = new AbortController().signal;
  return (url: URL) => exchange.send({ method: 'GET', url, headers: {}, signal });
}

test('a connection is kept for the next request, and closed when there is none', async () => {
  const { url, sockets, connections } = await startPatientServer();
  const send = open(5_000, 300);
  for (let n = 0; n < 3; n += 1) expect(await send(url)).toMatchObject({ status: 200 });
  expect([connections(), sockets.size]).toEqual([1, 1]);
  await expect.poll(() => sockets.size, { timeout: 5_000 }).toBe(0);
});

test('an answer may take longer than a connection is kept', async () => {
  const { url, connections } = await startPatientServer(400);
  const send = open(5_000, 100);
  expect(await send(url)).toMatchObject({ status: 200 });
  expect(await send(url)).toMatchObject({ status: 200 });
  expect(connections()).toBeLessThanOrEqual(2);
});

test('where none is kept, none stays', async () => {
  const { url, sockets } = await startPatientServer();
  const send = open(5_000, 0);
  await Promise.all([send(url), send(url), send(url)]);
  await expect.poll(() => sockets.size).toBe(0);
});
