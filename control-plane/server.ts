/**
 * The HTTP server around the application: listening, upgrades to tunnels, and an end that lets requests finish.
 *
 * Invariants: after `stop` began no request is taken. It resolves when all are answered or the time is up. A complete
 * answer that its client does not read does not hold its connection without an end.
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
  /** Takes no new request, and waits at most `withinMs` for those in flight. */
  stop(withinMs: number): Promise<void>;
  /** Cuts the remaining connections. */
  close(): Promise<void>;
};

type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/**
 * A call may take ten minutes (`limitCeilings.timeoutMs`), and its caller may send its body as long; after it, the
 * answer to a deadline must still be sent. Node would cut a request that is still being sent after five minutes.
 */
const requestTimeoutMs = limitCeilings.timeoutMs + 60_000;
/** The head of a request needs little time. */
const headersTimeoutMs = 20_000;
/** Longer than the minute for which load balancers and clients keep a connection: they must close first. */
const keepAliveTimeoutMs = 65_000;
/**
 * How long a client may read nothing of a complete answer. Before the answer is complete, the call's own deadline
 * counts.
 */
const defaultClientTimeoutMs = 30_000;

/**
 * @param doors is asked first; the application answers the other requests
 * @param clientTimeoutMs how long a client may read nothing of a complete answer before its connection is cut
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
    // Keep-alive connections would go on sending requests. And behind an ignored offer to upgrade, Node drops the rest
    // of the same packet: the connection must not go on in the middle of another request.
    if (stopping || request.headers.upgrade !== undefined) response.shouldKeepAlive = false;
    response.once('close', () => {
      inFlight -= 1;
      if (inFlight === 0) onIdle();
    });
    response.once('prefinish', () => limitTaking(response, clientTimeoutMs));
    if (!endpoints(request, response)) void listener(request, response);
  });
  server.on('upgrade', (request, socket, head) => {
    // Errors of a socket without an owner would end the process.
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

/** All other offers to upgrade are ignored, as a server may do (RFC 9110, section 7.8): the request is answered. */
function isTunnel({ url, headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket' && url?.split('?', 1)[0] === tunnelPath;
}

/**
 * Cuts the connection when no byte of a complete answer has been read for this long. Node looks at the bytes that wait
 * in the system, so that a client that is slow but goes on is left alone.
 */
function limitTaking(response: ServerResponse, timeoutMs: number): void {
  const { socket } = response;
  if (!socket || socket.writableLength === 0) return;
  socket.setTimeout(timeoutMs);
  // Before Node's own listener, which sets the time that a connection may be idle.
  response.prependOnceListener('finish', () => socket.setTimeout(0));
}
