/**
 * The key-value store of functions on this device: a table beside the agent's others. It survives updates of the
 * function, restarts and power cuts (up to SQLite's last moments), and is removed with the function.
 *
 * Invariant: all of a function's entries together, each counted with its key, its bucket's name, its value and
 * `entryBytes`, are within the limit of the last write. Lowering the limit loses nothing: values can then only be read
 * and deleted.
 *
 * Keys and buckets are bytes in the table, because SQLite's text ends at a NUL.
 */
import type { DatabaseSync } from 'node:sqlite';
import { computeDigest } from '@skerry/shared/function/bundle.ts';
import type { KeyPage } from '../../runner/protocol/capability-requests.ts';

/** Overhead of an entry, so that empty entries are not free. */
const entryBytes = 64;
const maxBucketBytes = 256;
const maxKeyBytes = 1_024;
const maxValueBytes = 1024 * 1024;
/** One page of keys. */
const pageKeys = 500;
const maxInteger = 2n ** 63n;

/** A refusal. `code` goes to the guest: `access-denied`, or words for its developer. */
export class KeyvalueRefused extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.name = 'KeyvalueRefused';
    this.code = code;
  }
}

/** One function's bucket, and the function's limit. */
export type KeyvalueOwner = { readonly function: string; readonly bucket: string; readonly limitBytes: number };

/** Every operation throws KeyvalueRefused when it is not granted or not allowed. */
export type KeyvalueStore = {
  get(share: KeyvalueOwner, key: string): Uint8Array | undefined;
  exists(share: KeyvalueOwner, key: string): boolean;
  set(share: KeyvalueOwner, key: string, value: Uint8Array): void;
  delete(share: KeyvalueOwner, key: string): void;
  /** In the order of their bytes. */
  keys(share: KeyvalueOwner, after: string | null): KeyPage;
  /** @param delta decimal. @returns the sum, decimal */
  increment(share: KeyvalueOwner, key: string, delta: string): string;
  /** @param seen SHA-256 of the value to replace; null: there must be none. False when that is not so */
  swap(share: KeyvalueOwner, key: string, seen: string | null, value: Uint8Array): boolean;
  /** Removes everything of this function. */
  forget(functionId: string): void;
};

export const keyvalueSchema = `
  CREATE TABLE IF NOT EXISTS keyvalue (
    function TEXT NOT NULL, bucket BLOB NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (function, bucket, key)
  ) STRICT, WITHOUT ROWID;
`;

/** @param db of the agent's store, open and used by this process only */
export function createKeyvalueStore(db: DatabaseSync): KeyvalueStore {
  db.exec(keyvalueSchema);
  const where = 'WHERE function = ? AND bucket = ? AND key = ?';
  const selectValue = db.prepare(`SELECT value FROM keyvalue ${where}`);
  const selectSize = db.prepare(`SELECT length(value) AS size FROM keyvalue ${where}`);
  const selectKeys = db.prepare(
    'SELECT key FROM keyvalue WHERE function = ? AND bucket = ? AND key > ? ORDER BY key LIMIT ?',
  );
  const selectUsage = db.prepare(
    `SELECT coalesce(sum(length(bucket) + length(key) + length(value) + ${entryBytes}), 0) AS bytes
     FROM keyvalue WHERE function = ?`,
  );
  const put = db.prepare('INSERT OR REPLACE INTO keyvalue VALUES (?, ?, ?, ?)');
  const remove = db.prepare(`DELETE FROM keyvalue ${where}`);
  const removeAll = db.prepare('DELETE FROM keyvalue WHERE function = ?');
  /** Bytes that each function has stored, from its first write on; only this process has the file. */
  const usage = new Map<string, number>();

  const used = (functionId: string): number => {
    const known = usage.get(functionId);
    if (known !== undefined) return known;
    const bytes = Number(selectUsage.get(functionId)?.bytes ?? 0);
    usage.set(functionId, bytes);
    return bytes;
  };

  const place = (
    { function: functionId, bucket, limitBytes }: KeyvalueOwner,
    key: string,
  ): [string, Buffer, Buffer] => {
    if (limitBytes === 0) throw new KeyvalueRefused('access-denied');
    const names: [string, Buffer, Buffer] = [functionId, Buffer.from(bucket), Buffer.from(key)];
    if (names[1].byteLength > maxBucketBytes) throw new KeyvalueRefused('no-such-store');
    if (names[2].byteLength > maxKeyBytes) throw new KeyvalueRefused(`a key has at most ${maxKeyBytes} bytes`);
    return names;
  };

  /** Bytes that the entry counts for; 0 when there is none. */
  const sizeOf = (names: [string, Buffer, Buffer]): number => {
    const row = selectSize.get(...names);
    return row ? names[1].byteLength + names[2].byteLength + Number(row.size) + entryBytes : 0;
  };

  const read = (share: KeyvalueOwner, key: string) =>
    selectValue.get(...place(share, key))?.value as Uint8Array | undefined;

  const write = (share: KeyvalueOwner, key: string, value: Uint8Array): void => {
    const names = place(share, key);
    if (value.byteLength > maxValueBytes) throw new KeyvalueRefused(`a value has at most ${maxValueBytes} bytes`);
    const before = sizeOf(names);
    const after = names[1].byteLength + names[2].byteLength + value.byteLength + entryBytes;
    const total = used(share.function) - before + after;
    if (total > share.limitBytes && after > before) {
      throw new KeyvalueRefused(`over the limit of ${share.limitBytes} bytes (limits.keyvalue_bytes)`);
    }
    put.run(...names, value);
    usage.set(share.function, total);
  };

  return {
    get: read,
    exists: (share, key) => selectSize.get(...place(share, key)) !== undefined,
    set: write,
    delete(share, key) {
      const names = place(share, key);
      const total = used(share.function) - sizeOf(names);
      remove.run(...names);
      usage.set(share.function, total);
    },
    keys(share, after) {
      const [functionId, bucket, start] = place(share, after ?? '');
      // The empty key comes before all others, so a first page begins at it and not after it.
      const first = after === null && selectSize.get(functionId, bucket, start) ? [''] : [];
      const rows = selectKeys.all(functionId, bucket, start, pageKeys + 1);
      const keys = rows.slice(0, pageKeys).map(({ key }) => Buffer.from(key as Uint8Array).toString());
      return { keys: [...first, ...keys], more: rows.length > pageKeys };
    },
    increment(share, key, delta) {
      const value = read(share, key);
      const text = value ? Buffer.from(value).toString('latin1') : '0';
      if (!/^-?[0-9]{1,19}$/.test(text)) throw new KeyvalueRefused('the value is not a number');
      const sum = BigInt(text) + BigInt(delta);
      if (sum >= maxInteger || sum < -maxInteger) throw new KeyvalueRefused('the sum is out of range');
      write(share, key, Buffer.from(String(sum)));
      return String(sum);
    },
    swap(share, key, seen, value) {
      const there = read(share, key);
      if ((there ? computeDigest(there) : null) !== seen) return false;
      write(share, key, value);
      return true;
    },
    forget(functionId) {
      removeAll.run(functionId);
      usage.delete(functionId);
    },
  };
}
