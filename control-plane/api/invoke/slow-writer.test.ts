import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { createSlowWriter } from './slow-writer.ts';

test('joins the pieces for a client that does not read; all arrive, and all are counted', async () => {
  const answering = Promise.withResolvers<ServerResponse>();
  const server = createServer((_, response) => answering.resolve(response)).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.pause();
  socket.write('GET / HTTP/1.0\r\n\r\n');
  const outgoing = await answering.promise;
  outgoing.writeHead(200, ['connection', 'close']);

  let taken = 0;
  let writes = 0;
  const original = outgoing.write.bind(outgoing);
  outgoing.write = ((...args: Parameters<typeof original>) => {
    writes += 1;
    return original(...args);
  }) as typeof outgoing.write;
  const writer = createSlowWriter(outgoing, (bytes) => {
    taken += bytes;
  });
  const large = Buffer.alloc(8 * 1024 * 1024, 'x');
  writer.write(large);
  expect(outgoing.writableNeedDrain).toBe(true);
  const pieces = Array.from({ length: 50_000 }, (_, n) => `${n},`);
  for (const piece of pieces) writer.write(Buffer.from(piece));
  expect(writes).toBe(1);
  writer.flush();
  expect(writes).toBeLessThan(10);
  outgoing.end();
  const received = (await buffer(socket)).toString();
  expect(received.slice(received.indexOf('\r\n\r\n') + 4 + large.byteLength)).toBe(pieces.join(''));
  expect(taken).toBe(large.byteLength + pieces.join('').length);
});
