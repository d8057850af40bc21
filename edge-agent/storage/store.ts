/**
 * The agent's one durable file (SQLite): its key, its functions and their desired state, and bundles in transfer.
 *
 * Invariants: the file is readable by its owner only. One process has it at a time (SQLite's exclusive lock). A bundle
 * in `bundles` is complete and has the digest of its name, except after damage, which is found when it is read. A
 * function's row names a bundle that is present, or one that damage has removed and that comes again
 * (desired/reconcile.ts).
 *
 * A commit survives the end of the process, but only `sync` waits for the disk: a power cut can lose the last writes,
 * and the next tunnel repairs that. The key is different, see identity.ts.
 */
import type { DatabaseSync } from 'node:sqlite';
import { computeDigest } from '@skerry/shared/function/bundle.ts';
import type { DesiredFunction } from '@skerry/shared/tunnel/protocol.ts';
import type { KeyvalueStore } from '../capabilities/keyvalue/store.ts';
import { openStoreFile, parseRecord, type StoreDamage } from './store-file.ts';

export type AgentStore = {
  /** A value under a name: the identity, the desired generation. */
  getMeta(key: string): Uint8Array | undefined;
  setMeta(key: string, value: Uint8Array): void;
  /** All writes so far are on disk when this returns, and survive a power cut. */
  sync(): void;

  /** The functions that were ready at their last report. They serve again after a restart. */
  activeFunctions(): DesiredFunction[];
  /** From now on this revision of the function serves. */
  activate(fn: DesiredFunction): void;
  deactivate(functionId: string): void;

  hasBundle(digest: string): boolean;
  /** Undefined when it is absent or does not match its digest any more (it is then dropped). */
  readBundle(digest: string): Uint8Array | undefined;
  /** Number of bytes of a bundle that have arrived, from its start. */
  receivedBytes(digest: string): number;
  /** Stores a part; parts come in order. A part out of order is dropped, and offset 0 restarts the bundle. */
  addChunk(digest: string, offset: number, bytes: Uint8Array): void;
  /** Joins the parts. False when they do not match the digest; they are then deleted. */
  completeBundle(digest: string): boolean;
  /** Removes bundles and parts that are not in the set; returns the digests of the removed bundles. */
  keepOnly(digests: ReadonlySet<string>): string[];

  /** The key-value data of functions. */
  readonly keyvalue: KeyvalueStore;

  close(): void;
};

/**
 * @param path of the file; it and its folder are made when absent. `:memory:` keeps nothing
 * @param onDamage the file was damaged and has been replaced, or its last writes are missing; see store-file.ts
 * @throws SkerryError('store_unavailable') when another process has it, or it cannot be used
 */
export function openStore(path: string, onDamage: (damage: StoreDamage) => void = () => {}): AgentStore {
  const file = openStoreFile(path, onDamage);
  const one = (sql: string, ...values: (string | number)[]) => file.use((db) => db.prepare(sql).get(...values));
  const all = (sql: string, ...values: (string | number)[]) => file.use((db) => db.prepare(sql).all(...values));
  const run = (sql: string, ...values: (string | number | Uint8Array)[]) =>
    file.use((db) => db.prepare(sql).run(...values));
  const transaction = <T>(work: () => T): T =>
    file.use((db) => {
      db.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        db.exec('COMMIT');
        return result;
      } catch (error) {
        rollBack(db);
        throw error;
      }
    });
  const receivedBytes = (digest: string) => {
    const row = one('SELECT coalesce(max(start + length(bytes)), 0) AS bytes FROM chunks WHERE digest = ?', digest);
    return Number(row?.bytes ?? 0);
  };

  return {
    getMeta: (key) => one('SELECT value FROM meta WHERE key = ?', key)?.value as Uint8Array | undefined,
    setMeta: (key, value) => void run('INSERT OR REPLACE INTO meta VALUES (?, ?)', key, value),
    // A checkpoint syncs the log and then the file itself (https://sqlite.org/pragma.html#pragma_wal_checkpoint).
    sync: () => void one('PRAGMA wal_checkpoint(FULL)'),

    activeFunctions: () =>
      // A generation that does not parse is sent again through the next tunnel.
      all('SELECT record FROM functions').flatMap((row) => parseRecord(String(row.record)) ?? []),
    activate: (fn) => void run('INSERT OR REPLACE INTO functions VALUES (?, ?)', fn.id, JSON.stringify(fn)),
    deactivate: (functionId) => void run('DELETE FROM functions WHERE id = ?', functionId),

    hasBundle: (digest) => one('SELECT 1 FROM bundles WHERE digest = ?', digest) !== undefined,
    readBundle(digest) {
      const bytes = one('SELECT bytes FROM bundles WHERE digest = ?', digest)?.bytes as Uint8Array | undefined;
      if (!bytes || computeDigest(bytes) === digest) return bytes;
      run('DELETE FROM bundles WHERE digest = ?', digest);
      return undefined;
    },
    receivedBytes,
    addChunk(digest, offset, bytes) {
      if (offset === 0) run('DELETE FROM chunks WHERE digest = ?', digest);
      else if (offset !== receivedBytes(digest)) return;
      run('INSERT INTO chunks VALUES (?, ?, ?)', digest, offset, bytes);
    },
    completeBundle(digest) {
      const parts = all('SELECT bytes FROM chunks WHERE digest = ? ORDER BY start', digest);
      const bytes = Buffer.concat(parts.map((part) => part.bytes as Uint8Array));
      const fits = computeDigest(bytes) === digest;
      transaction(() => {
        run('DELETE FROM chunks WHERE digest = ?', digest);
        if (fits) run('INSERT OR REPLACE INTO bundles VALUES (?, ?)', digest, bytes);
      });
      return fits;
    },
    keepOnly(digests) {
      const wanted = JSON.stringify([...digests]);
      const unwanted = 'WHERE digest NOT IN (SELECT value FROM json_each(?))';
      return transaction(() => {
        run(`DELETE FROM chunks ${unwanted}`, wanted);
        return all(`DELETE FROM bundles ${unwanted} RETURNING digest`, wanted).map((row) => String(row.digest));
      });
    },

    keyvalue: {
      get: (...about) => file.use((_, keyvalue) => keyvalue.get(...about)),
      exists: (...about) => file.use((_, keyvalue) => keyvalue.exists(...about)),
      set: (...about) => file.use((_, keyvalue) => keyvalue.set(...about)),
      delete: (...about) => file.use((_, keyvalue) => keyvalue.delete(...about)),
      keys: (...about) => file.use((_, keyvalue) => keyvalue.keys(...about)),
      increment: (...about) => file.use((_, keyvalue) => keyvalue.increment(...about)),
      swap: (...about) => file.use((_, keyvalue) => keyvalue.swap(...about)),
      forget: (...about) => file.use((_, keyvalue) => keyvalue.forget(...about)),
    },

    close: file.close,
  };
}

/**
 * The first error is reported: in a damaged file the rollback fails as well, and closing the file ends the transaction.
 */
function rollBack(db: DatabaseSync): void {
  try {
    if (db.isTransaction) db.exec('ROLLBACK');
  } catch {
    // see above
  }
}
