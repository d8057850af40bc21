import { once } from 'node:events';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { beforeEach, describe, expect, test } from 'vitest';
import type { CapabilityHost } from '../capabilities.ts';
import { createConnect } from './connect.ts';
import { certificate, key } from './testing/certificate.ts';
import { asked, brokerWith, closing, echo, exchange, request, serve, serveRaw } from './testing/requests.ts';

let capabilities: CapabilityHost;
beforeEach(() => {
  capabilities = brokerWith();
});

describe('without a grant', () => {
  const denied = { error: 'HTTP-request-denied' };
  const resolving = (answers: Record<string, string[]>) => {
    let lookups = 0;
    capabilities = brokerWith({
      resolve: async (host) => {
        lookups += 1;
        return answers[host] ?? [];
      },
    });
    return () => lookups;
  };

  test('a host is neither looked up nor connected to', async () => {
    const server = await echo();
    const lookups = resolving({});
    for (const http of [[], ['example.com'], ['127.0.0.1'], [`127.0.0.2:${server.port}`]]) {
      expect(await request(capabilities, server.authority, { grants: { http } })).toEqual(denied);
      expect(await request(capabilities, 'other.example', { grants: { http } })).toEqual(denied);
    }
    expect(server.connections).toBe(0);
    expect(lookups()).toBe(0);
  });

  test('for its network, a name that leads into it is not connected to', async () => {
    const server = await echo();
    resolving({ 'a.test': ['127.0.0.1'], 'b.test': ['93.184.216.34', '127.0.0.1'], 'c.test': ['::ffff:127.0.0.1'] });
    for (const host of ['a.test', 'b.test', 'c.test']) {
      const grants = { http: ['*:*'], networks: ['lan', 'link-local', 'metadata'] };
      expect(await request(capabilities, `${host}:${server.port}`, { grants })).toEqual(denied);
    }
    expect(
      await request(capabilities, '169.254.169.254', { grants: { http: ['*'], networks: ['link-local'] } }),
    ).toEqual(denied);
    expect(
      await request(capabilities, '0.0.0.0', { grants: { http: ['*', '0.0.0.0'], networks: ['loopback'] } }),
    ).toEqual(denied);
    expect(server.connections).toBe(0);
    expect(await request(capabilities, `a.test:${server.port}`)).toMatchObject({ whole: true });
  });

  test('in any notation', async () => {
    const server = await echo();
    for (const host of ['127.1', '2130706433', '0x7f000001', '0177.0.0.1', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]']) {
      expect(await request(capabilities, `${host}:${server.port}`, { grants: { http: ['*:*'] } }), host).toEqual(
        denied,
      );
    }
    expect(server.connections).toBe(0);
  });

  test('a name whose address changes is connected to at its first address', async () => {
    const server = await echo();
    let lookups = 0;
    capabilities = brokerWith({
      resolve: async () => {
        lookups += 1;
        return lookups === 1 ? ['127.0.0.1'] : ['127.0.0.2'];
      },
    });
    expect(asked(await request(capabilities, `rebound.test:${server.port}`))).toMatchObject({
      rawHeaders: ['Host', `rebound.test:${server.port}`, 'Connection', 'close'],
    });
    expect(lookups).toBe(1);
    expect(server.connections).toBe(1);
  });

  test('a granted address opens only itself', async () => {
    const server = await echo();
    const grants = { http: [server.authority, '*:*'] };
    expect(await request(capabilities, server.authority, { grants })).toMatchObject({ whole: true });
    resolving({ 'a.test': ['127.0.0.1'] });
    expect(await request(capabilities, `a.test:${server.port}`, { grants })).toEqual(denied);
  });

  test('a redirect is not followed; a guest that follows it is checked again', async () => {
    const target = await echo();
    const server = await serve((_incoming, answer) =>
      answer.writeHead(302, { location: `http://${target.authority}/` }).end(),
    );
    const grants = { http: [server.authority] };
    const outcome = await request(capabilities, server.authority, { grants });
    expect(outcome).toMatchObject({ head: { status: 302 } });
    expect(await request(capabilities, target.authority, { grants })).toEqual(denied);
    expect(target.connections).toBe(0);
  });
});

describe('what fails', () => {
  test('nobody listens', async () => {
    const server = await serve(() => {});
    server.close();
    expect(await request(capabilities, server.authority)).toEqual({ error: 'connection-refused' });
  });

  test('an invalid name', async () => {
    capabilities = brokerWith({ resolve: () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' })) });
    expect(await request(capabilities, 'missing.test')).toEqual({ error: 'DNS-error' });
  });

  test('a server that does not accept, answer, or go on in time', async () => {
    const silent = await serveRaw(() => {});
    expect(await request(capabilities, silent.authority, { firstByteTimeoutMs: 50 })).toEqual({
      error: 'HTTP-response-timeout',
    });
    const stalling = await serve((_incoming, answer) => void answer.write('half'));
    expect(await request(capabilities, stalling.authority, { betweenBytesTimeoutMs: 50 })).toMatchObject({
      whole: false,
      body: Buffer.from('half'),
    });
    capabilities = brokerWith({
      connect: ({ signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    });
    expect(await request(capabilities, silent.authority, { connectTimeoutMs: 50 })).toEqual({
      error: 'connection-timeout',
    });
  });

  test('a certificate that is not trusted, or for another host', async () => {
    const seen: unknown[] = [];
    const server = closing(createTlsServer({ cert: certificate, key }, (_incoming, answer) => answer.end('secure')));
    server.on('secureConnection', ({ servername }) => seen.push(servername));
    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const https = { head: { scheme: 'https' as const } };
    expect(await request(capabilities, `127.0.0.1:${port}`, https)).toEqual({ error: 'TLS-certificate-error' });
    const resolve = async () => ['127.0.0.1'];
    capabilities = brokerWith({ resolve, connect: createConnect(certificate) });
    expect(await request(capabilities, `secure.test:${port}`, https)).toMatchObject({ body: Buffer.from('secure') });
    expect(await request(capabilities, `127.0.0.1:${port}`, https)).toMatchObject({ body: Buffer.from('secure') });
    expect(await request(capabilities, `other.test:${port}`, https)).toEqual({ error: 'TLS-certificate-error' });
    expect(seen.slice(0, 1)).toEqual(['secure.test']);
    const plain = await echo();
    expect(await request(capabilities, `127.0.0.1:${plain.port}`, https)).toEqual({ error: 'TLS-protocol-error' });
  });

  test('one request too many of a function, until another is done', async () => {
    const server = await serveRaw(() => {});
    const open = Array.from({ length: 1_024 }, () => exchange(capabilities, server.authority));
    const limit = { error: 'connection-limit-reached' };
    expect(await request(capabilities, server.authority)).toEqual(limit);
    expect(await request(capabilities, server.authority, { function: 'other', firstByteTimeoutMs: 20 })).not.toEqual(
      limit,
    );
    for (const under of open) under.abort();
    await new Promise(setImmediate);
    expect(await request(capabilities, server.authority, { firstByteTimeoutMs: 20 })).not.toEqual(limit);
  });
});
