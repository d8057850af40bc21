/**
 * The file below the agent's store: how it is opened, and which rows of a damaged file are saved. The key cannot be
 * replaced, and functions come only from the control plane, so both are saved. Bundles that do not match their digest
 * come again through the tunnel, and so do parts of bundles, which are not saved. A function is saved also without its
 * bundle: its triggers go on, and their events wait. The generation is not saved, because it may not match the saved
 * functions.
 *
 * Damage in small tables is looked for at the start. Other damage is found when it is met. Then the file is replaced
 * during the operation, and the operation is repeated.
 */
import { DatabaseSync } from 'node:sqlite';
import { SkerryError } from '@skerry/shared/errors.ts';
import { computeDigest } from '@skerry/shared/function/bundle.ts';
import { type DesiredFunction, desiredFunctionSchema } from '@skerry/shared/tunnel/protocol.ts';
import { createKeyvalueStore, type KeyvalueStore, keyvalueSchema } from '../capabilities/keyvalue/store.ts';
import {
  closeDurable,
  type DurableFile,
  isDamage,
  isReadFault,
  isRefusal,
  type LostWrites,
  openDurable,
  primaryCode,
  type Salvage,
} from './durable-file.ts';
import { type ReadRow, readKeyedRows, readRows } from './salvage-rows.ts';

/** Key of the device's own key among the store's values. */
export const identityKey = 'identity';
/** Key of the generation that is in effect. */
export const generationKey = 'generation';

/** The report: a damaged file that was replaced, or writes that are missing. */
export type StoreDamage = Salvage | LostWrites;

type StoreFile = {
  /**
   * Runs the operation. It may run twice, when it meets damage; of nested operations the outermost is repeated.
   * @throws the errors of SQLite, except for damage that can be repaired
   * @throws SkerryError('store_unavailable') when it cannot be repaired now, as without room on the disk; the next use
   *   tries again
   */
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

function copy(from: DatabaseSync, to: DatabaseSync): Salvage['saved'] {
  to.exec('BEGIN');
  const saved = { key: false, functions: 0, bundles: 0, keyvalue: 0, damaged: 0 };
  const insert = (sql: string) => {
    const statement = to.prepare(`INSERT INTO ${sql} ON CONFLICT DO NOTHING`);
    return (...values: (ReadRow[string] | undefined)[]): number => {
      try {
        return Number(statement.run(...values.map((value) => value ?? null)).changes);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        saved.damaged += 1;
        return 0;
      }
    };
  };
  const add = {
    meta: insert('meta VALUES (?, ?)'),
    functions: insert('functions VALUES (?, ?)'),
    bundles: insert('bundles VALUES (?, ?)'),
    keyvalue: insert('keyvalue VALUES (?, ?, ?, ?)'),
  };
  readRows(from, 'meta', ({ key, value }) => {
    if (key === generationKey) return;
    if (add.meta(key, value) > 0 && key === identityKey) saved.key = true;
  });
  readRows(from, 'functions', ({ id, record }) => {
    if (parseRecord(String(record))) saved.functions += add.functions(id, record);
  });
  readRows(from, 'bundles', ({ digest, bytes }) => {
    if (!(bytes instanceof Uint8Array) || computeDigest(bytes) !== digest) return;
    saved.bundles += add.bundles(digest, bytes);
  });
  readKeyedRows(from, 'keyvalue', ['function', 'bucket', 'key'], ({ function: fn, bucket, key, value }) => {
    saved.keyvalue += add.keyvalue(fn, bucket, key, value);
  });
  // The reader of the key must see that there was one.
  if (!saved.key) add.meta(identityKey, new Uint8Array(0));
  to.exec('COMMIT');
  return saved;
}

/**
 * @param path of the file; it and its folder are made when absent. `:memory:` keeps nothing
 * @param onDamage the file was damaged and has been replaced, or its last writes are missing
 * @throws SkerryError('store_unavailable') when another process has it, or it cannot be used
 */
export function openStoreFile(path: string, onDamage: (damage: StoreDamage) => void): StoreFile {
  const open = (how: DurableFile) => {
    const { db, salvage, lostWrites } = path === ':memory:' ? openInMemory() : openOrTell(path, how);
    if (lostWrites) onDamage(lostWrites);
    if (salvage) onDamage(salvage);
    return { db, keyvalue: createKeyvalueStore(db) };
  };
  /** Undefined after damage, until it is repaired. */
  let current: ReturnType<typeof open> | undefined = open(file);
  /** The known fault of the file. */
  let damage: string | undefined;
  let depth = 0;

  const within = <T>(work: (db: DatabaseSync, keyvalue: KeyvalueStore) => T): T => {
    const known = damage;
    current ??= open(known === undefined ? file : { ...file, check: () => known });
    damage = undefined;
    depth += 1;
    try {
      return work(current.db, current.keyvalue);
    } finally {
      depth -= 1;
    }
  };
  const leave = () => {
    try {
      if (current) closeDurable(current.db);
    } catch {
      // a file that cannot be closed properly was damaged before
    }
    current = undefined;
  };
  const isMendable = (error: unknown) =>
    depth === 0 && path !== ':memory:' && current !== undefined && (isDamage(error) || isReadFault(error));

  return {
    use(work) {
      // A failed read may be temporary: the file is opened again and checked, and only the next failure counts as
      // damage.
      for (let faults = 0; ; faults++) {
        try {
          return within(work);
        } catch (error) {
          if (!isMendable(error) || faults > 1) throw error;
          if (isDamage(error) || faults > 0) damage = (error as Error).message;
          leave();
        }
      }
    },
    close() {
      if (current) closeDurable(current.db);
    },
  };
}

function openInMemory() {
  const db = new DatabaseSync(':memory:');
  db.exec(schema);
  return { db, salvage: undefined, lostWrites: undefined };
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

/** A function as it was stored; undefined when it is damaged, or an older agent's that is not valid any more. */
export function parseRecord(text: string): DesiredFunction | undefined {
  try {
    return desiredFunctionSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
