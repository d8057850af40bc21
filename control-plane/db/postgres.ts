/** A Postgres server, through `pg`. */
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { connectTimeoutMs, type Driver, maxConnections, statementTimeoutMs } from './store.ts';

/** @param onError told of connections that break while nobody uses them; the pool replaces them by itself */
export function openPostgres(connectionString: string, onError: (error: Error) => void): Driver {
  const pool = new pg.Pool({
    connectionString,
    max: maxConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: statementTimeoutMs,
    statement_timeout: statementTimeoutMs,
    keepAlive: true,
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
