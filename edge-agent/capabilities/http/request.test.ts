import { beforeEach, describe, expect, test } from 'vitest';
import type { CapabilityHost } from '../capabilities.ts';
import { asked, brokerWith, echo, exchange, request } from './testing/requests.ts';

let capabilities: CapabilityHost;
beforeEach(() => {
  capabilities = brokerWith();
});

describe('a request', () => {
  test('carries its method, path, repeated headers and body, without headers that belong to the agent', async () => {
    const server = await echo();
    const under = exchange(capabilities, server.authority, {
      head: {
        method: 'POST',
        path: '/a?b=c',
        headers: [
          ['X-One', '1'],
          ['x-one', '2'],
          ['host', 'other.example'],
          ['connection', 'keep-alive, x-hop'],
          ['x-hop', 'gone'],
          ['transfer-encoding', 'gzip'],
          ['te', 'trailers'],
          ['proxy-authorization', 'gone'],
          ['expect', '100-continue'],
          ['upgrade', 'websocket'],
        ],
      },
    });
    under.write(Buffer.from('he'));
    under.write(Buffer.from('llo'));
    under.end([['x-trailer', 'after']]);
    expect(asked(await under.outcome)).toEqual({
      method: 'POST',
      url: '/a?b=c',
      rawHeaders: [
        'Host',
        server.authority,
        'Connection',
        'close',
        'X-One',
        '1',
        'x-one',
        '2',
        'Transfer-Encoding',
        'chunked',
      ],
      rawTrailers: ['x-trailer', 'after'],
      body: 'hello',
    });
  });

  test('with a body is framed even for a method that seldom has one', async () => {
    const server = await echo();
    const under = exchange(capabilities, server.authority);
    under.write(Buffer.from('GET /smuggled HTTP/1.1\r\n\r\n'));
    under.end();
    expect(asked(await under.outcome)).toMatchObject({ method: 'GET', body: 'GET /smuggled HTTP/1.1\r\n\r\n' });
    expect(asked(await request(capabilities, server.authority, { head: { method: 'POST' } })).rawHeaders).toEqual(
      expect.arrayContaining(['Content-Length', '0']),
    );
  });

  test('is given up when its body does not have the declared length', async () => {
    const server = await echo();
    const stating = (length: string) =>
      exchange(capabilities, server.authority, { head: { method: 'POST', headers: [['content-length', length]] } });
    const fitting = stating('5');
    fitting.write(Buffer.from('hello'));
    fitting.end();
    expect(asked(await fitting.outcome)).toMatchObject({ body: 'hello' });
    for (const length of ['4', '6', '-1', '5, 5', 'x']) {
      const under = stating(length);
      under.write(Buffer.from('hello'));
      under.end();
      expect(await under.outcome).toEqual({ error: 'HTTP-request-body-size' });
    }
  });

  test('that could become two requests, or leads nowhere, is refused as a value', async () => {
    const server = await echo();
    const cases: [string, Parameters<typeof request>[2]][] = [
      ['HTTP-request-header-size', { head: { headers: [['x', 'a\r\nhost: b']] } }],
      ['HTTP-request-header-size', { head: { headers: [['x\r\ny', 'a']] } }],
      ['HTTP-request-header-size', { head: { headers: [['x', 'a\0']] } }],
      ['HTTP-request-header-size', { head: { headers: [['x', '\u0100']] } }],
      ['HTTP-request-URI-invalid', { head: { path: '/a b' } }],
      ['HTTP-request-URI-invalid', { head: { path: '/ HTTP/1.1\r\nx: y' } }],
      ['HTTP-request-URI-invalid', { head: { path: 'http://other/' } }],
      ['HTTP-request-method-invalid', { head: { method: 'GET / HTTP/1.1\r\n' } }],
      ['HTTP-request-method-invalid', { head: { method: 'CONNECT' } }],
    ];
    for (const [error, options] of cases)
      expect(await request(capabilities, server.authority, options)).toEqual({ error });
    for (const authority of ['', 'a@127.0.0.1', '127.0.0.1:0', '127.0.0.1:99999', 'a/b', 'a b', '[::1', 'a\r\nb']) {
      expect(await request(capabilities, authority)).toEqual({ error: 'HTTP-request-URI-invalid' });
    }
    expect(server.connections).toBe(0);
  });
});
