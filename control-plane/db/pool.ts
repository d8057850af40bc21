/** A driver on a pool of connections: `pg`'s, and Neon's, which has the same interface. */
import {
  type ConnectionLease,
  connectTimeoutMs,
  type DatabaseRow,
  type Driver,
  maxConnections,
  statementTimeoutMs,
} from './store.ts';

/** The part of a connection that is used. */
type PooledClient = {
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
  query(text: string, values?: unknown[]): Promise<unknown>;
  release(error?: Error): void;
};

/** A script has a result for each of its statements. */
type Result = { readonly rows: DatabaseRow[] | undefined };

type PoolOf<Client extends PooledClient> = {
  on(event: 'error', listener: (error: Error) => void): unknown;
  connect(): Promise<Client>;
  end(): Promise<void>;
};

/** The same for both pools. */
export const poolSettings = {
  max: maxConnections,
  connectionTimeoutMillis: connectTimeoutMs,
  query_timeout: statementTimeoutMs,
  statement_timeout: statementTimeoutMs,
  application_name: 'skerry',
} as const;

/**
 * @param drizzleOn drizzle, and its migrations, on one connection
 * @param onError called for idle connections that break; the pool replaces them by itself
 */
export function poolDriver<Client extends PooledClient>(
  pool: PoolOf<Client>,
  drizzleOn: (client: Client) => Pick<ConnectionLease, 'orm' | 'migrate'>,
  onError: (error: Error) => void,
): Driver {
  pool.on('error', onError);
  return {
    async lease() {
      const client = await pool.connect();
      client.on('error', onError);
      return {
        ...drizzleOn(client),
        async execute(text, values) {
          const result = await (values && values.length > 0 ? client.query(text, [...values]) : client.query(text));
          return toRows(result as Result | Result[]);
        },
        release(error) {
          client.off('error', onError);
          client.release(error);
        },
      };
    },
    close: () => pool.end(),
  };
}

function toRows(result: Result | Result[]): DatabaseRow[] {
  return Array.isArray(result) ? result.flatMap(({ rows }) => rows ?? []) : (result.rows ?? []);
}
