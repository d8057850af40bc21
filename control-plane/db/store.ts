/**
 * The one door to the database, the same for all three drivers.
 *
 * Invariants: every wait has a deadline (connecting, each statement); a database that cannot be reached shows as
 * SkerryError('store_unavailable') and as nothing else; a connection that broke inside a transaction is thrown away.
 */

import { SkerryError } from '@skerry/shared/errors.ts';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';
import { storeError } from './errors.ts';

/** Drizzle on any of the drivers, or inside one of their transactions. */
export type Orm = PgDatabase<PgQueryResultHKT>;

/** One connection, held until it is released. */
export type Lease = {
  readonly orm: Orm;
  /** Applies the migrations of a folder on this connection. */
  migrate(folder: string): Promise<void>;
  /** Gives the connection back; with an error it is closed instead. */
  release(error?: Error): void;
};

/** A way to a database. */
export type Driver = {
  lease(): Promise<Lease>;
  close(): Promise<void>;
};

export type Store = {
  /** One transaction that sees one moment of the database. @throws SkerryError store_unavailable */
  read<T>(work: (orm: Orm) => Promise<T>): Promise<T>;
  /** One transaction; nothing of it stays when `work` rejects. @throws SkerryError store_unavailable */
  change<T>(work: (orm: Orm) => Promise<T>): Promise<T>;
  close(): Promise<void>;
};

/** Milliseconds that connecting may take. */
export const connectTimeoutMs = 5_000;
/** Milliseconds that one statement may take, waiting for locks included. */
export const statementTimeoutMs = 15_000;
/** Connections to Postgres at most; whoever comes later waits, `connectTimeoutMs` at most. */
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
    close: () => driver.close(),
  };
}
