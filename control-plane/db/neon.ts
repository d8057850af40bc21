/** A Postgres at Neon, over WebSocket, through @neondatabase/serverless. */
import { neonConfig, Pool } from '@neondatabase/serverless';
import { drizzle } from 'drizzle-orm/neon-serverless';
import { migrate } from 'drizzle-orm/neon-serverless/migrator';
import { WebSocket } from 'ws';
import { connectTimeoutMs, type Driver, maxConnections, statementTimeoutMs } from './store.ts';

export type NeonOptions = {
  readonly connectionString: string;
  /**
   * `host:port/path` of a WebSocket-to-TCP proxy without TLS that leads to the server; absent: Neon's own.
   * The driver knows this per process only, so one process has one such proxy.
   */
  readonly proxy?: string | undefined;
};

/** @param onError told of connections that break while nobody uses them; the pool replaces them by itself */
export function openNeon({ connectionString, proxy }: NeonOptions, onError: (error: Error) => void): Driver {
  neonConfig.webSocketConstructor = WebSocket;
  if (proxy !== undefined) {
    neonConfig.wsProxy = proxy;
    neonConfig.useSecureWebSocket = false;
    // The default sends a cleartext password ahead, which a server that asks for SCRAM refuses.
    neonConfig.pipelineConnect = false;
  }
  const pool = new Pool({
    connectionString,
    max: maxConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: statementTimeoutMs,
    statement_timeout: statementTimeoutMs,
    application_name: 'skerry',
  });
  pool.on('error', onError);
  return {
    async lease() {
      const client = await pool.connect();
      client.on('error', onError);
      const orm = drizzle({ client });
      return {
        orm,
        migrate: (migrationsFolder) => migrate(orm, { migrationsFolder }),
        release(error) {
          client.off('error', onError);
          client.release(error);
        },
      };
    },
    close: () => pool.end(),
  };
}
