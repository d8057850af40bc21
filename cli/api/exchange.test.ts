import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { exchange } from './exchange.ts';

async function listen(handle: RequestListener): Promise<URL> {
  const server = createServer(handle).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/path?query=1`);
}

test('a request arrives with its method, headers and body, and its answer comes back', async () => {
  const url = await listen(async (request, response) => {
    const { method, url: path, headers } = request;
    const seen = { method, path, length: headers['content-length'], token: headers.authorization };
    response.writeHead(201, { 'x-skerry-agent': 'pi' }).end(JSON.stringify({ ...seen, body: await text(request) }));
  });
  const headers = { authorization: 'Bearer sk\n' };
  const answer = await exchange(url, { method: 'PUT', headers, body: 'é', timeoutMs: 5_000 });
  expect(answer.status).toBe(201);
  expect(JSON.parse(answer.text)).toEqual({
    method: 'PUT',
    path: '/path?query=1',
    length: '2',
    token: 'Bearer sk',
    body: 'é',
  });
  expect(answer.headers.get('x-skerry-agent')).toBe('pi');
  expect(answer.headers.get('x-other')).toBeNull();
});

test('a POST without a body has the length 0', async () => {
  const url = await listen((request, response) => response.end(request.headers['content-length']));
  expect((await exchange(url, { method: 'POST', headers: {}, timeoutMs: 5_000 })).text).toBe('0');
});

test('a redirect is not followed', async () => {
  const url = await listen((_, response) => response.writeHead(302, { location: '/elsewhere' }).end());
  const answer = exchange(url, { method: 'GET', headers: {}, timeoutMs: 5_000 });
  await expect(answer).rejects.toThrow('unexpected redirect');
});

test.each<[string, RequestListener]>([
  ['no answer', () => undefined],
  ['half an answer', (_, response) => response.writeHead(200).write('half')],
])('%s at the time limit is an error', async (_, handle) => {
  const url = await listen(handle);
  const answer = exchange(url, { method: 'GET', headers: {}, timeoutMs: 100 });
  await expect(answer).rejects.toThrow('no answer within 0.1 s');
});

test('an answer that breaks off is an error', async () => {
  const url = await listen((_, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('half', () => response.destroy());
  });
  await expect(exchange(url, { method: 'GET', headers: {}, timeoutMs: 5_000 })).rejects.toThrow();
});

test('a header with other characters than HTTP allows is refused at once', () => {
  const headers = { authorization: 'Bearer \u2026' };
  expect(() => exchange(new URL('http://127.0.0.1:1'), { method: 'GET', headers, timeoutMs: 100 })).toThrow();
});
