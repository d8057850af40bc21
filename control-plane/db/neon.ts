/** A Postgres at Neon, over WebSocket, through @neondatabase/serverless. */
import { neonConfig, Pool, type PoolClient } from '@neondatabase/serverless';
import { drizzle } from 'drizzle-orm/neon-serverless';
import { migrate } from 'drizzle-orm/neon-serverless/migrator';
import { WebSocket } from 'ws';
import { poolDriver, poolSettings } from './pool.ts';
import type { Driver } from './store.ts';

type NeonOptions = {
  readonly connectionString: string;
  /**
   * `host:port/path` of a WebSocket-to-TCP proxy without TLS that leads to the server; absent: Neon's own. The driver
   * has one proxy per process.
   */
  readonly proxy?: string | undefined;
};

/** @param onError called for idle connections that break */
export function openNeon({ connectionString, proxy }: NeonOptions, onError: (error: Error) => void): Driver {
  neonConfig.webSocketConstructor = WebSocket;
  if (proxy !== undefined) {
    neonConfig.wsProxy = proxy;
    neonConfig.useSecureWebSocket = false;
    // By default the driver sends a cleartext password ahead, which a server that asks for SCRAM refuses.
    neonConfig.pipelineConnect = false;
  }
  const pool = new Pool({ ...poolSettings, connectionString });
  const drizzleOn = (client: PoolClient) => {
    const orm = drizzle({ client });
    return { orm, migrate: (migrationsFolder: string) => migrate(orm, { migrationsFolder }) };
  };
  return poolDriver(pool, drizzleOn, onError);
}
