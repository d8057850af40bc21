/**
 * Outgoing requests as the runner sends them, their results, and servers for them. Everything that is opened here is
 * closed after each test.
 */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { type Grants, grantsSchema } from '@skerry/shared/function/manifest.ts';
import type { Headers, RequestHead, ResponseHead } from '@skerry/shared/http/http.ts';
import { streamWindowBytes } from '@skerry/shared/http/http-limits.ts';
import { afterEach } from 'vitest';
import type { CapabilityFetch } from '../../../runner/calls/call-capabilities.ts';
import { openStore } from '../../../storage/store.ts';
import { type CapabilityHost, type CapabilityHostOptions, createCapabilityHost } from '../../capabilities.ts';

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

/** Closes it after the test. */
export function closing<T extends { close(): void }>(one: T): T {
  opened.push(one);
  return one;
}

/** A capability host with a store of its own that offers no directories. */
export function brokerWith(options: Partial<CapabilityHostOptions> = {}): CapabilityHost {
  const store = closing(openStore(':memory:'));
  return createCapabilityHost({ offered: [], keyvalue: store.keyvalue, ...options });
}

/** In the order of arrival; parts are joined. */
export type Outcome =
  | { readonly error: string }
  | {
      readonly head: ResponseHead;
      readonly body: Buffer;
      readonly trailers: Headers | undefined;
      readonly whole: boolean;
    };

type Options = {
  readonly grants?: Parameters<typeof grantsSchema.parse>[0];
  readonly function?: string;
  readonly head?: Partial<RequestHead>;
  readonly connectTimeoutMs?: number;
  readonly firstByteTimeoutMs?: number;
  readonly betweenBytesTimeoutMs?: number;
  /** Bytes of the answer that are taken before credit ends; absent: all of them. */
  readonly takes?: number;
  readonly onPart?: (bytes: Uint8Array) => void;
  readonly onCredit?: (bytes: number) => void;
};

export type Exchange = CapabilityFetch & {
  readonly outcome: Promise<Outcome>;
  readonly headCame: Promise<void>;
  readonly grants: Grants;
};

/** Begins a GET of `/` there, unless the options say otherwise. */
export function exchange(capabilities: CapabilityHost, authority: string, options: Options = {}): Exchange {
  const grants = grantsSchema.parse(options.grants ?? { http: ['*:*'], networks: ['loopback'] });
  const { promise: outcome, resolve } = Promise.withResolvers<Outcome>();
  const { promise: headCame, resolve: onHeadCame } = Promise.withResolvers<void>();
  const parts: Buffer[] = [];
  let head: ResponseHead | undefined;
  let taken = 0;
  const finish = (whole: boolean, trailers?: Headers) =>
    resolve(head ? { head, body: Buffer.concat(parts), trailers, whole } : { error: 'an end without a head' });
  const fetch = capabilities.fetch(
    { function: options.function ?? 'f', grants },
    {
      do: 'fetch',
      head: { method: 'GET', scheme: 'http', authority, path: '/', headers: [], ...options.head },
      connectTimeoutMs: options.connectTimeoutMs ?? 0,
      firstByteTimeoutMs: options.firstByteTimeoutMs ?? 0,
      betweenBytesTimeoutMs: options.betweenBytesTimeoutMs ?? 0,
    },
    {
      onHead(came) {
        head = came;
        onHeadCame();
      },
      onError: (error) => resolve({ error }),
      onPart(bytes) {
        taken += bytes.byteLength;
        if (options.onPart) options.onPart(bytes);
        else parts.push(Buffer.from(bytes));
        if (taken <= (options.takes ?? Infinity)) fetch.credit(bytes.byteLength);
      },
      onEnd: (trailers) => finish(true, trailers),
      onFailure: () => finish(false),
      onCredit: (bytes) => options.onCredit?.(bytes),
    },
  );
  return { ...fetch, outcome, headCame, grants };
}

/** The outcome of a request without a body. */
export function request(capabilities: CapabilityHost, authority: string, options: Options = {}): Promise<Outcome> {
  const under = exchange(capabilities, authority, options);
  under.end();
  return under.outcome;
}

/** Sends a body within its window, as a runner does. Resolves when all of it has been passed on. */
export async function sendBody(
  bytes: number,
  begin: (onCredit: (bytes: number) => void) => Exchange,
): Promise<Outcome> {
  let room = streamWindowBytes;
  let onRoom = () => {};
  const under = begin((more) => {
    room += more;
    onRoom();
  });
  const part = Buffer.alloc(65_536, 'x');
  let over = false;
  void under.outcome.then(() => {
    over = true;
    onRoom();
  });
  for (let sent = 0; sent < bytes && !over; ) {
    const length = Math.min(part.byteLength, bytes - sent);
    if (room < length) {
      await new Promise<void>((resolve) => {
        onRoom = resolve;
      });
      continue;
    }
    under.write(part.subarray(0, length));
    room -= length;
    sent += length;
  }
  under.end();
  return under.outcome;
}

export type Listening = { readonly authority: string; readonly port: number; connections: number; close(): void };

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<Listening> {
  const listening: Listening = closing({ authority: '', port: 0, connections: 0, close: () => server.close() });
  server.on('connection', () => {
    listening.connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return Object.assign(listening, { port, authority: `127.0.0.1:${port}` });
}

/** An HTTP server on a free port of 127.0.0.1, which counts its connections. */
export const serve = (onRequest: RequestListener): Promise<Listening> => listen(createServer(onRequest));

/** The same without HTTP: for answers that Node's server would not send. */
export const serveRaw = (onConnection: (socket: Socket) => void): Promise<Listening> =>
  listen(
    createTcpServer((socket) => {
      socket.on('error', () => {});
      onConnection(socket);
    }),
  );

/** Answers with the request as JSON. */
export const echo = (): Promise<Listening> =>
  serve((incoming, answer) => {
    const parts: Buffer[] = [];
    incoming.on('data', (part) => parts.push(part));
    incoming.on('end', () => {
      const { method, url, rawHeaders, rawTrailers } = incoming;
      const body = Buffer.concat(parts).toString();
      answer.end(JSON.stringify({ method, url, rawHeaders, rawTrailers, body }));
    });
  });

/** The request that `echo` received, or the error. */
export const asked = (outcome: Outcome) => ('error' in outcome ? outcome : JSON.parse(outcome.body.toString()));
