import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { readBody } from './body.ts';

/** The result of `readBody` for one request, sent as raw text and bytes. */
async function read(head: string, body: Uint8Array, limit: number): Promise<Buffer> {
  const result = Promise.withResolvers<Buffer>();
  const server = createServer((request, response) => {
    result.resolve(readBody(request, limit).finally(() => response.end()));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${head}\r\n\r\n`);
  socket.end(body);
  buffer(socket).catch(() => undefined);
  return result.promise;
}

const large = Buffer.alloc(1_000_000, 'abcdefghij');

test.each([1, 1_000, 1_000_000])('a body of %i bytes with its length', async (size) => {
  const body = large.subarray(0, size);
  expect((await read(`Content-Length: ${size}`, body, 1_000_000)).equals(body)).toBe(true);
});

test('a large body without a length', async () => {
  const chunked = Buffer.concat([Buffer.from('f4240\r\n'), large, Buffer.from('\r\n0\r\n\r\n')]);
  expect((await read('Transfer-Encoding: chunked', chunked, 1_000_000)).equals(large)).toBe(true);
  await expect(read('Transfer-Encoding: chunked', chunked, 999_999)).rejects.toMatchObject({
    code: 'payload_too_large',
  });
});

test('a large body that breaks off', async () => {
  await expect(read('Content-Length: 1000000', large.subarray(0, 500_000), 1_000_000)).rejects.toMatchObject({
    code: 'bad_request',
  });
});
