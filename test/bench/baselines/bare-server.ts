/**
 * The baseline: takes an HTTP request, sends one WebSocket message to a peer, and answers with the echo. It uses Hono, ws
 * and msgpack as we do, and nothing of ours: no authentication, no routing, no checks.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { pack } from 'msgpackr/pack';
import { unpack } from 'msgpackr/unpack';
import { type WebSocket, WebSocketServer } from 'ws';

const app = new Hono();
const waiting = new Map<number, (output: Uint8Array<ArrayBuffer>) => void>();
let peer: WebSocket | undefined;
let count = 0;

app.post('/echo', async (context) => {
  const input = new Uint8Array(await context.req.arrayBuffer());
  count += 1;
  const id = count;
  const output = new Promise<Uint8Array<ArrayBuffer>>((resolve) => waiting.set(id, resolve));
  peer?.send(pack({ id, input }));
  return context.body(await output, 200, { 'content-type': 'application/json' });
});

const server = createServer(getRequestListener(app.fetch));
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on('connection', (socket) => {
  peer = socket;
  socket.on('message', (data) => {
    const { id, output } = unpack(data as Buffer) as { id: number; output: Uint8Array<ArrayBuffer> };
    waiting.get(id)?.(output);
    waiting.delete(id);
  });
  console.log(JSON.stringify({ msg: 'peer' }));
});
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ msg: 'listening', port: (server.address() as AddressInfo).port }));
});
