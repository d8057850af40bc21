/**
 * The one way to the database, the same for all three drivers.
 *
 * Invariants: every wait has a deadline (connecting, each statement). A database that cannot be reached shows as
 * SkerryError('store_unavailable') and as nothing else. A connection that broke inside a transaction is discarded.
 */

import { SkerryError } from '@skerry/shared/errors.ts';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';
import { storeError } from './errors.ts';

/** Drizzle on any of the drivers, or inside one of their transactions. */
export type Orm = PgDatabase<PgQueryResultHKT>;

export type DatabaseRow = Record<string, unknown>;

/** One connection, held until it is released. */
export type ConnectionLease = {
  readonly orm: Orm;
  /** Applies the migrations of a folder on this connection. */
  migrate(folder: string): Promise<void>;
  /** Runs a statement unchanged; without values it may be a script of several. Returns the rows of all. */
  execute(text: string, values: readonly unknown[] | undefined): Promise<DatabaseRow[]>;
  /** Returns the connection to the pool; with an error it is closed instead. */
  release(error?: Error): void;
};

/** A way to a database. */
export type Driver = {
  lease(): Promise<ConnectionLease>;
  close(): Promise<void>;
};

export type Store = {
  /** One transaction that sees one moment of the database. @throws SkerryError store_unavailable */
  read<T>(work: (orm: Orm) => Promise<T>): Promise<T>;
  /** One transaction; it is rolled back when `work` rejects. @throws SkerryError store_unavailable */
  change<T>(work: (orm: Orm) => Promise<T>): Promise<T>;
  /**
   * Runs a statement of another library, outside of any transaction but its own; without values it may be a script.
   * Rejects with `store_unavailable`, or with the driver's error unchanged.
   */
  execute(text: string, values: readonly unknown[] | undefined): Promise<DatabaseRow[]>;
  close(): Promise<void>;
};

/** Milliseconds that connecting may take. */
export const connectTimeoutMs = 5_000;
/** Milliseconds that one statement may take, waiting for locks included. */
export const statementTimeoutMs = 15_000;
/** Most connections to Postgres; a further request waits, at most `connectTimeoutMs`. */
export const maxConnections = 10;

export function createStore(driver: Driver): Store {
  const transaction = async <T>(work: (orm: Orm) => Promise<T>, readOnly: boolean): Promise<T> => {
    const lease = await driver.lease().catch((error: unknown) => {
      throw storeError(error, 'connecting');
    });
    let broken: Error | undefined;
    try {
      return await lease.orm.transaction(
        work,
        readOnly ? { isolationLevel: 'repeatable read', accessMode: 'read only' } : undefined,
      );
    } catch (error) {
      const mapped = storeError(error, 'query');
      if (mapped instanceof SkerryError && mapped.code === 'store_unavailable') broken = mapped;
      throw mapped;
    } finally {
      lease.release(broken);
    }
  };
  return {
    read: (work) => transaction(work, true),
    change: (work) => transaction(work, false),
    async execute(text, values) {
      const lease = await driver.lease().catch((error: unknown) => {
        throw storeError(error, 'connecting');
      });
      let broken: Error | undefined;
      try {
        return await lease.execute(text, values);
      } catch (error) {
        // A failed script may have left its transaction open, so the connection is not used again.
        broken = error instanceof Error ? error : new Error(String(error));
        throw storeError(error, 'statement');
      } finally {
        lease.release(broken);
      }
    },
    close: () => driver.close(),
  };
}
