/** Databases in the test run's Postgres, and wires to it that can be watched, changed and cut. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import pg from 'pg';
import { createWebSocketStream, WebSocketServer } from 'ws';

declare module 'vitest' {
  export interface ProvidedContext {
    /** URL of the test run's Postgres; the global set-up of the tests provides it. */
    postgresUrl: string;
  }
}

/** An empty database; its URL. */
export async function createDatabase(postgresUrl: string): Promise<string> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  const url = new URL(postgresUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** The rows of a query, over a connection of its own. */
export async function toRows(url: string, query: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(query);
  await client.end();
  return rows;
}

/** A way to the database that can be cut and restored. */
export type Wire = {
  /** URL of the database through this wire. */
  url: string;
  /** Breaks open connections and refuses new ones. */
  cut(): Promise<void>;
  restore(): Promise<void>;
};

export async function createWire(databaseUrl: string): Promise<Wire> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const server = createServer((inner) => {
    const outer = connect(Number(target.port), target.hostname);
    for (const socket of [inner, outer]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    }
    inner.pipe(outer).pipe(inner);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${port}`;
  return {
    url: url.href,
    async cut() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    async restore() {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
  };
}

/** The proxy that Neon has in front of its servers: WebSocket in, TCP out, to one fixed server. */
export async function createWebSocketProxy(
  databaseUrl: string,
): Promise<{ address: string; connections: () => number; close(): void }> {
  const target = new URL(databaseUrl);
  const http = createHttpServer();
  let connections = 0;
  new WebSocketServer({ server: http }).on('connection', (webSocket) => {
    connections += 1;
    const inner = createWebSocketStream(webSocket);
    const outer = connect(Number(target.port), target.hostname).setNoDelay(true);
    inner.on('error', () => outer.destroy());
    outer.on('error', () => inner.destroy());
    inner.pipe(outer).pipe(inner);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}/v1`,
    connections: () => connections,
    close() {
      http.close();
      http.closeAllConnections();
    },
  };
}
