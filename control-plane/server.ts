/**
 * The HTTP server around the application: listening, upgrades to tunnels, and an end that lets requests finish.
 *
 * Invariants: after `stop` began no request is taken; it resolves when all are answered or the time is up. An answer
 * that is whole, and that its client does not take, does not hold its connection for ever.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { limitCeilings } from '@skerry/shared/function/manifest.ts';
import { tunnelPath } from '@skerry/shared/tunnel/protocol.ts';
import type { InvokeEndpoints } from './api/invoke/dispatch.ts';
import type { App } from './app.ts';

export type HttpServer = {
  /** Rejects with the system's error when the port cannot be had. */
  listen(port: number, host: string): Promise<{ port: number }>;
  /** Takes no new request, and waits `withinMs` at most for those in flight. */
  stop(withinMs: number): Promise<void>;
  /** Cuts what is left. */
  close(): Promise<void>;
};

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/**
 * A call may take ten minutes (`limitCeilings.timeoutMs`), and its caller may send its body as long; after it, the
 * answer to a deadline has to get out. Node would cut a request that is still being sent after five minutes.
 */
const requestTimeoutMs = limitCeilings.timeoutMs + 60_000;
/** Nobody needs long for the head of a request. */
const headersTimeoutMs = 20_000;
/** Longer than the minute for which load balancers and clients keep a connection: who closes first must be they. */
const keepAliveTimeoutMs = 65_000;
/** How long a client may take nothing of an answer that is whole; until then the call's own deadline counts. */
const defaultClientTimeoutMs = 30_000;

/**
 * @param doors is asked first; what it does not answer is for the application
 * @param clientTimeoutMs how long a client may take nothing of an answer that is whole, before its connection is cut
 */
export function createHttpServer(
  app: Pick<App, 'fetch'>,
  onUpgrade: UpgradeHandler,
  endpoints: InvokeEndpoints = () => false,
  clientTimeoutMs: number = defaultClientTimeoutMs,
): HttpServer {
  const listener = getRequestListener(app.fetch);
  let inFlight = 0;
  let stopping = false;
  let onIdle = () => {};

  const settings = {
    requestTimeout: requestTimeoutMs,
    headersTimeout: headersTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    shouldUpgradeCallback: isTunnel,
  };
  const server = createServer(settings, (request, response) => {
    inFlight += 1;
    // Keep-alive connections would go on sending requests for ever. And behind an offer to upgrade that is ignored, Node
    // drops what came in the same packet: the connection must not go on in the middle of another request.
    if (stopping || request.headers.upgrade !== undefined) response.shouldKeepAlive = false;
    response.once('close', () => {
      inFlight -= 1;
      if (inFlight === 0) onIdle();
    });
    response.once('prefinish', () => limitTaking(response, clientTimeoutMs));
    if (!endpoints(request, response)) void listener(request, response);
  });
  server.on('upgrade', (request, socket, head) => {
    // Errors of a socket before it is anybody's would end the process.
    socket.on('error', () => socket.destroy());
    onUpgrade(request, socket, head);
  });

  return {
    async listen(port, host) {
      server.listen(port, host);
      await once(server, 'listening');
      return { port: (server.address() as AddressInfo).port };
    },
    async stop(withinMs) {
      stopping = true;
      server.close();
      if (inFlight === 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, withinMs);
        onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
    async close() {
      const closed = server.listening ? once(server, 'close') : undefined;
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** All other offers to upgrade are ignored, as a server may (RFC 9110, section 7.8): the request is answered as it is. */
function isTunnel({ url, headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket' && url?.split('?', 1)[0] === tunnelPath;
}

/**
 * Cuts the connection when nothing of the answer, all of which is given, has been taken for so long. Node looks at the
 * bytes that wait in the system, so that a client that is slow but goes on is left alone.
 */
function limitTaking(response: ServerResponse, timeoutMs: number): void {
  const { socket } = response;
  if (!socket || socket.writableLength === 0) return;
  socket.setTimeout(timeoutMs);
  // Before Node's own listener, which sets the time that a connection may be idle.
  response.prependOnceListener('finish', () => socket.setTimeout(0));
}
