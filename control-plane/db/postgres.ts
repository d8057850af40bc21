/** A Postgres server, through `pg`. */
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { poolDriver, poolSettings } from './pool.ts';
import type { Driver } from './store.ts';

/** @param onError called for idle connections that break */
export function openPostgres(connectionString: string, onError: (error: Error) => void): Driver {
  const pool = new pg.Pool({ ...poolSettings, connectionString, keepAlive: true });
  const drizzleOn = (client: pg.PoolClient) => {
    const orm = drizzle({ client });
    return { orm, migrate: (migrationsFolder: string) => migrate(orm, { migrationsFolder }) };
  };
  return poolDriver(pool, drizzleOn, onError);
}
