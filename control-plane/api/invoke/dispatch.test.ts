import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRequestMetrics } from '../../metrics/request-metrics.ts';
import { createErrorAnswer } from '../http/errors.ts';
import { createInvokeEndpoints } from './dispatch.ts';

/** The target that was looked up, or `other` for requests that the endpoints left alone. */
let found: string[];
let server: Server;
let port: number;

beforeEach(async () => {
  found = [];
  const log = pino({ level: 'silent' });
  const endpoints = createInvokeEndpoints({
    catalog: {
      find(module, name) {
        found.push(`${module} ${name}`);
        return undefined;
      },
      subjectByToken: (token) => (token === 't' ? { id: '1', name: 'one', role: 'user' } : undefined),
    },
    invoker: { reaches: () => false, invoke: () => Promise.reject(new Error('there are no functions')) },
    requests: createRequestMetrics(),
    answerError: createErrorAnswer(log),
    log,
    maxBodyBytes: 1_000,
    asyncServices: {
      invocations: { enqueue: () => Promise.reject(new Error('there are no functions')) },
      agents: { get: () => Promise.reject(new Error('there are no agents')) },
    },
    recordBestEffort: () => {},
    now: () => 0,
    clock: () => new Date(0),
  });
  server = createServer((request, response) => {
    if (endpoints(request, response)) return;
    found.push('other');
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

/** The whole answer to one request, sent as raw text. */
async function send(line: string, ...headers: string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write([`${line} HTTP/1.1`, 'host: x', 'connection: close', ...headers, '', ''].join('\r\n'));
  return text(socket);
}

test.each([
  ['POST /v1/fn/m/f', 'm f'],
  ['POST /v1/fn/m/f?a=/b', 'm f'],
  ['POST http://host.example/v1/fn/m/f', 'm f'],
  ['POST /v1/fn/%6d/f', 'm f'],
  ['POST /v1/fn/m/%', 'm %'],
  ['GET /v1/fn/m/f', 'other'],
  ['POST /v1/fn/m', 'other'],
  ['POST /v1/fn/m/', 'other'],
  ['POST /v1/fn//f', 'other'],
  ['POST /v1/fn/m/f/g', 'other'],
  ['GET /function/f', '_ f'],
  ['HEAD /function/f', '_ f'],
  ['PUT /function/f.m', 'm f'],
  ['GET /function/f.m/a/../b?c', 'm f'],
  ['GET /function/f?c=/d', '_ f'],
  ['GET https://host.example/function/f/a', '_ f'],
  ['GET /function/', 'other'],
  ['GET /function', 'other'],
  ['GET /v1/functions', 'other'],
  ['OPTIONS *', 'other'],
])('%s', async (line, expected) => {
  await send(line, 'authorization: Bearer t');
  expect(found).toEqual([expected]);
});

test('without a token no function is looked up', async () => {
  const answer = await send('POST /v1/fn/m/f', 'x-request-id: r1');
  expect(answer).toMatch(/^HTTP\/1.1 401 /);
  expect(answer).toMatch(/^x-request-id: r1\r$/m);
  expect(answer).toContain('"code":"unauthorized"');
  expect(found).toEqual([]);
});

test('a client that keeps sending after its answer is cut off', async () => {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write('POST /v1/fn/m/f HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1.1 401 /);
  socket.resume();
  await once(socket, 'close');
  expect(socket.destroyed).toBe(true);
});
