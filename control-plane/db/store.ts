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

export type Row = Record<string, unknown>;

/** One connection, held until it is released. */
export type Lease = {
  readonly orm: Orm;
  /** Applies the migrations of a folder on this connection. */
  migrate(folder: string): Promise<void>;
  /** Runs a statement as it is; without values it may be a script of several. Gives the rows of all. */
  execute(text: string, values: readonly unknown[] | undefined): Promise<Row[]>;
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
  /**
   * A statement that another library wrote, outside of any transaction but its own; without values it may be a script.
   * Rejects with `store_unavailable`, or with the driver's error as it is.
   */
  execute(text: string, values: readonly unknown[] | undefined): Promise<Row[]>;
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
    async execute(text, values) {
      const lease = await driver.lease().catch((error: unknown) => {
        throw storeError(error, 'connecting');
      });
      let broken: Error | undefined;
      try {
        return await lease.execute(text, values);
      } catch (error) {
        // A script that failed may have left its transaction open: the connection is not used again.
        broken = error instanceof Error ? error : new Error(String(error));
        throw storeError(error, 'statement');
      } finally {
        lease.release(broken);
      }
    },
    close: () => driver.close(),
  };
}
