/**
 * The file below the agent's store: how it is opened, and what of a damaged one is saved. The key and the functions are
 * what cannot be had again, or not without the control plane; bundles that do not fit their digest come again through
 * the tunnel, and so do parts of bundles, which are not saved.
 *
 * Damage is looked for at the start in what is small, and found elsewhere when it is met: then the file is replaced in
 * the middle of the work, and the work is done again.
 */
import { DatabaseSync } from 'node:sqlite';
import { digestOf } from '@skerry/shared/bundle.ts';
import { SkerryError } from '@skerry/shared/errors.ts';
import { type DesiredFunction, desiredFunctionSchema } from '@skerry/shared/protocol.ts';
import { createKeyvalueStore, type KeyvalueStore, keyvalueSchema } from './broker/keyvalue-store.ts';
import { type DurableFile, isDamage, openDurable, primaryCode, type Salvage } from './durable-file.ts';
import { type ReadRow, readKeyedRows, readRows } from './readable-rows.ts';

/** Key of the device's own key among the store's values. */
export const identityKey = 'identity';

/** What became of a damaged file. `key`: whether the agent is still who it was. */
export type StoreSalvage = Salvage & { readonly saved: { readonly key?: boolean } };

export type StoreFile = {
  /** The work may be done twice, when it meets damage. @throws what SQLite throws, but for damage that can be mended */
  use<T>(work: (db: DatabaseSync, keyvalue: KeyvalueStore) => T): T;
  close(): void;
};

const schema = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS functions (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS bundles (digest TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS chunks (
    digest TEXT NOT NULL, start INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (digest, start)
  ) STRICT;
  ${keyvalueSchema}
`;

const quickCheck = (db: DatabaseSync, table?: string): string | undefined => {
  const found = db.prepare(`PRAGMA quick_check(${table ?? 1})`).get()?.quick_check;
  return found === 'ok' ? undefined : String(found);
};

const file: DurableFile = {
  schema,
  check: (db) => ['meta', 'functions', 'keyvalue'].map((table) => quickCheck(db, table)).find(Boolean),
  copy,
};

function copy(from: DatabaseSync, to: DatabaseSync): StoreSalvage['saved'] {
  to.exec('BEGIN');
  const insert = (sql: string) => {
    const statement = to.prepare(`INSERT OR IGNORE INTO ${sql}`);
    return (...values: ReadRow[string][]) => Number(statement.run(...values).changes);
  };
  const add = {
    meta: insert('meta VALUES (?, ?)'),
    functions: insert('functions VALUES (?, ?)'),
    bundles: insert('bundles VALUES (?, ?)'),
    keyvalue: insert('keyvalue VALUES (?, ?, ?, ?)'),
  };
  const saved = { key: false, functions: 0, bundles: 0, keyvalue: 0 };
  readRows(from, 'meta', ({ key, value }) => {
    if (add.meta(key ?? null, value ?? null) > 0 && key === identityKey) saved.key = true;
  });
  readRows(from, 'functions', ({ id, record }) => {
    if (parseRecord(String(record))) saved.functions += add.functions(id ?? null, record ?? null);
  });
  readRows(from, 'bundles', ({ digest, bytes }) => {
    if (!(bytes instanceof Uint8Array) || digestOf(bytes) !== digest) return;
    saved.bundles += add.bundles(digest, bytes);
  });
  readKeyedRows(from, 'keyvalue', ['function', 'bucket', 'key'], ({ function: fn, bucket, key, value }) => {
    saved.keyvalue += add.keyvalue(fn ?? null, bucket ?? null, key ?? null, value ?? null);
  });
  to.exec('COMMIT');
  return saved;
}

/**
 * @param path of the file; it and its folder are made when absent. `:memory:` keeps nothing
 * @param onSalvage the file was damaged, and has been replaced
 * @throws SkerryError('store_unavailable') when another process has it, or it cannot be used
 */
export function openStoreFile(path: string, onSalvage: (salvage: StoreSalvage) => void): StoreFile {
  const open = (how: DurableFile) => {
    const opened = path === ':memory:' ? openInMemory() : openOrTell(path, how);
    if (opened.salvage) onSalvage(opened.salvage);
    return { db: opened.db, keyvalue: createKeyvalueStore(opened.db) };
  };
  let current = open(file);
  return {
    use(work) {
      try {
        return work(current.db, current.keyvalue);
      } catch (error) {
        if (!isDamage(error) || path === ':memory:') throw error;
        try {
          current.db.close();
        } catch {
          // what cannot be closed well was damaged before
        }
        current = open({ ...file, check: () => (error as Error).message });
        return work(current.db, current.keyvalue);
      }
    },
    close: () => current.db.close(),
  };
}

function openInMemory() {
  const db = new DatabaseSync(':memory:');
  db.exec(schema);
  return { db, salvage: undefined };
}

function openOrTell(path: string, how: DurableFile) {
  try {
    return openDurable(path, how);
  } catch (cause) {
    const locked = primaryCode(cause) === 5; // SQLITE_BUSY
    const why = locked ? 'another agent is running on it' : (cause as Error).message;
    throw new SkerryError('store_unavailable', `cannot open ${path}: ${why}`, { cause });
  }
}

/** A function as it was stored; undefined when it is damaged, or an older agent's that does not fit any more. */
export function parseRecord(text: string): DesiredFunction | undefined {
  try {
    return desiredFunctionSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
