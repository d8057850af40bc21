/**
 * The HTTP server around the application: listening, upgrades to tunnels, and an end that lets requests finish.
 *
 * Invariants: after `stop` began no request is taken; it resolves when all are answered or the time is up.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { limitCeilings } from '@skerry/shared/manifest.ts';
import type { App } from './app.ts';
import type { Doors } from './routes/doors.ts';

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

/** @param doors is asked first; what it does not answer is for the application */
export function createHttpServer(
  app: Pick<App, 'fetch'>,
  onUpgrade: UpgradeHandler,
  doors: Doors = () => false,
): HttpServer {
  const listener = getRequestListener(app.fetch);
  let inFlight = 0;
  let stopping = false;
  let onIdle = () => {};

  const timeouts = {
    requestTimeout: requestTimeoutMs,
    headersTimeout: headersTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
  };
  const server = createServer(timeouts, (request, response) => {
    inFlight += 1;
    // Keep-alive connections would go on sending requests for ever.
    if (stopping) response.shouldKeepAlive = false;
    response.once('close', () => {
      inFlight -= 1;
      if (inFlight === 0) onIdle();
    });
    if (!doors(request, response)) void listener(request, response);
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
