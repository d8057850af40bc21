import type { Socket } from 'node:net';
import { streamWindowBytes } from '@skerry/shared/http/http-limits.ts';
import { beforeEach, describe, expect, test } from 'vitest';
import type { CapabilityHost } from '../capabilities.ts';
import { brokerWith, exchange, request, sendBody, serve, serveRaw } from './testing/requests.ts';

const MiB = 1024 * 1024;

let capabilities: CapabilityHost;
beforeEach(() => {
  capabilities = brokerWith();
});

describe('an answer', () => {
  test('comes with its headers in order and its trailers, without connection headers', async () => {
    const server = await serve((_incoming, answer) => {
      answer.sendDate = false;
      answer.writeHead(
        201,
        [
          ['Transfer-Encoding', 'chunked'],
          ['Set-Cookie', 'a'],
          ['set-cookie', 'b'],
          ['Trailer', 'x-after'],
          ['Keep-Alive', 'timeout=5'],
        ].flat(),
      );
      answer.write('body');
      answer.addTrailers({ 'x-after': 'yes' });
      answer.end();
    });
    expect(await request(capabilities, server.authority)).toEqual({
      head: {
        status: 201,
        headers: [
          ['Set-Cookie', 'a'],
          ['set-cookie', 'b'],
        ],
      },
      body: Buffer.from('body'),
      trailers: [['x-after', 'yes']],
      whole: true,
    });
    expect(await request(capabilities, server.authority, { head: { method: 'HEAD' } })).toMatchObject({ whole: true });
  });

  const raw = async (text: string, then: (socket: Socket) => void = (socket) => socket.end()) => {
    const server = await serveRaw((socket) => {
      socket.once('data', () => {
        socket.write(text);
        then(socket);
      });
    });
    return request(capabilities, server.authority);
  };

  test('with too much of a head is refused', async () => {
    const error = 'HTTP-response-header-section-size';
    expect(await raw(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(70_000)}\r\n\r\n`)).toEqual({ error });
    expect(await raw(`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(300)}content-length: 0\r\n\r\n`)).toEqual({ error });
    expect(await raw(`HTTP/1.1 200 OK\r\n${'x'.repeat(300)}: y\r\ncontent-length: 0\r\n\r\n`)).toEqual({ error });
  });

  test('with too much of trailers is not whole', async () => {
    const head = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n';
    expect(await raw(`${head}${`x: ${'x'.repeat(1_000)}\r\n`.repeat(100)}\r\n`)).toMatchObject({ whole: false });
  });

  test('that is no valid HTTP, or has an unsupported status, is refused', async () => {
    expect(await raw('SSH-2.0-OpenSSH\r\n')).toEqual({ error: 'HTTP-protocol-error' });
    expect(await raw('HTTP/1.1 999 X\r\ncontent-length: 0\r\n\r\n')).toEqual({ error: 'HTTP-protocol-error' });
    expect(await raw('HTTP/1.1 103 Early\r\n\r\n'.repeat(100))).toEqual({ error: 'HTTP-protocol-error' });
    const switching = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n';
    expect(await raw(switching)).toEqual({ error: 'HTTP-upgrade-failed' });
    expect(await raw('')).toEqual({ error: 'connection-terminated' });
  });

  test('that breaks off is incomplete', async () => {
    expect(await raw('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf')).toMatchObject({
      whole: false,
      body: Buffer.from('half'),
    });
  });
});

describe('bodies', () => {
  test('of 64 MiB pass both ways within their windows', async () => {
    const server = await serve((incoming, answer) => void incoming.pipe(answer));
    let received = 0;
    let most = 0;
    const round = (bytes: number) =>
      sendBody(bytes, (onCredit) =>
        exchange(capabilities, server.authority, {
          head: { method: 'POST' },
          onCredit,
          onPart(part) {
            received += part.byteLength;
            most = Math.max(most, process.memoryUsage.rss());
          },
        }),
      );
    expect(await round(64 * MiB)).toMatchObject({ whole: true });
    expect(received).toBe(64 * MiB);
    const before = most;
    // Three times the size adds only garbage on its way out, and not the bodies.
    expect(await round(192 * MiB)).toMatchObject({ whole: true });
    expect(most - before).toBeLessThan(64 * MiB);
  });

  test('over the limit of the function are given up', async () => {
    const server = await serve((incoming, answer) => void incoming.pipe(answer));
    const grants = { http: ['*:*'], networks: ['loopback'], body_bytes: 100_000 };
    const sent = await sendBody(200_000, (onCredit) =>
      exchange(capabilities, server.authority, { head: { method: 'POST' }, grants, onCredit }),
    );
    expect('error' in sent ? sent.error : sent.whole).toBe('error' in sent ? 'HTTP-request-body-size' : false);
    const large = await serve((_incoming, answer) => answer.end(Buffer.alloc(200_000)));
    expect(await request(capabilities, large.authority, { grants })).toMatchObject({ whole: false });
  });

  test('that are not taken stop their sender', async () => {
    let sent = 0;
    const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>();
    const server = await serve((_incoming, answer) => {
      const part = Buffer.alloc(65_536);
      const more = () => {
        do sent += part.byteLength;
        while (answer.write(part));
        answer.once('drain', more);
      };
      answer.on('close', () => onClosed());
      more();
    });
    let taken = 0;
    const { promise: full, resolve: onFull } = Promise.withResolvers<void>();
    const under = exchange(capabilities, server.authority, {
      takes: -1,
      onPart(bytes) {
        taken += bytes.byteLength;
        if (taken >= streamWindowBytes) onFull();
      },
    });
    under.end();
    await full;
    under.abort();
    await closed;
    expect(taken).toBe(streamWindowBytes);
    expect(sent).toBeLessThan(32 * MiB);
  });

  test('a sender that exceeds the window ends the request', async () => {
    const server = await serveRaw((socket) => void socket.pause());
    const under = exchange(capabilities, server.authority, { head: { method: 'POST' } });
    for (let index = 0; index < 200; index++) under.write(Buffer.alloc(65_536));
    expect(await under.outcome).toEqual({ error: 'internal-error' });
  });

  test('a request that the guest gives up is closed at once, and nothing more is reported', async () => {
    const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>();
    const server = await serve((incoming, answer) => {
      answer.write('begun');
      incoming.socket.on('close', () => onClosed());
    });
    const heard: string[] = [];
    const under = exchange(capabilities, server.authority, { onPart: () => heard.push('part') });
    under.end();
    await under.headCame;
    under.abort();
    await closed;
    under.credit(1_000);
    under.write(Buffer.from('late'));
    under.end();
    expect(heard.length).toBeLessThanOrEqual(1);
    expect(await Promise.race([under.outcome, new Promise((resolve) => setImmediate(resolve, 'nothing'))])).toBe(
      'nothing',
    );
  });
});
