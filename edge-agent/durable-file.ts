/**
 * A SQLite file of the agent: made whole or not at all, readable by its owner only, looked at when it is opened. A
 * damaged one is put aside, and what can be read of it is in its successor.
 *
 * Invariant: at every moment, also when the process ends in the middle, the file at `path` is whole or the damaged one
 * is still there with its log of writes: the successor is finished under another name, and takes its place last.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export type DurableFile = {
  /** Sets it up: pragmas and tables. */
  readonly schema: string;
  /** What is wrong with it, if anything is; may also throw what SQLite throws at damage. */
  check(db: DatabaseSync): string | undefined;
  /** Copies what can be read; `from` may throw at every read. @returns what was saved, for the log */
  copy(from: DatabaseSync, to: DatabaseSync): Readonly<Record<string, unknown>>;
};

export type Opened = {
  readonly db: DatabaseSync;
  /** There when the file was damaged. */
  readonly salvage?: Salvage | undefined;
};

export type Salvage = {
  /** What was wrong. */
  readonly damage: string;
  /** Where the damaged file is now. */
  readonly aside: string;
  readonly saved: Readonly<Record<string, unknown>>;
};

/** Damaged files that are kept aside. */
const keptAside = 2;

/** True for what SQLite throws at a file that is damaged (SQLITE_CORRUPT), or no such file (SQLITE_NOTADB). */
export function isDamage(error: unknown): boolean {
  const code = primaryCode(error);
  return code === 11 || code === 26;
}

/** SQLite's primary result code of an error (https://sqlite.org/rescode.html). */
export function primaryCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | undefined)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}

/** @throws what SQLite and the file system throw, but for damage */
export function openDurable(path: string, file: DurableFile, now: () => number = Date.now): Opened {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const aside = `${path}.damaged-${now()}`;
  if (!existsSync(path) && !existsSync(successor(path))) build(path, file, () => undefined);
  // It is finished: what is at the path, if anything, is what it was made from.
  if (existsSync(successor(path))) replace(path, aside);
  const looked = look(path, file);
  if ('db' in looked) return looked;
  const saved = salvage(path, file);
  replace(path, aside);
  return { db: open(path, file), salvage: { damage: looked.damage, aside, saved } };
}

const successor = (path: string) => `${path}.next`;

function look(path: string, file: DurableFile): { db: DatabaseSync } | { damage: string } {
  // One that was made whole is never empty.
  if (statSync(path).size === 0) return { damage: 'the file is empty' };
  let db: DatabaseSync | undefined;
  try {
    db = open(path, file);
    const damage = file.check(db);
    if (damage === undefined) return { db };
    closeQuietly(db);
    return { damage };
  } catch (error) {
    closeQuietly(db);
    if (isDamage(error)) return { damage: (error as Error).message };
    throw error;
  }
}

function open(path: string, { schema }: DurableFile): DatabaseSync {
  chmodSync(path, 0o600);
  const db = new DatabaseSync(path);
  try {
    db.exec(schema);
    return db;
  } catch (error) {
    closeQuietly(db);
    throw error;
  }
}

/** Makes a whole file as the successor. */
function build<T>(path: string, file: DurableFile, fill: (db: DatabaseSync) => T): T {
  const partial = `${path}.partial`;
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(partial + suffix, { force: true });
  closeSync(openSync(partial, 'a', 0o600));
  const db = open(partial, file);
  const result = fill(db);
  // Closing takes the log of writes into the file.
  db.close();
  syncPath(partial);
  renameSync(partial, successor(path));
  return result;
}

function salvage(path: string, file: DurableFile): Readonly<Record<string, unknown>> {
  return build(path, file, (to) => {
    let from: DatabaseSync | undefined;
    try {
      from = new DatabaseSync(path, { readOnly: true, defensive: false });
      // Without it, nothing can be read of a file that is shorter than it says.
      from.exec('PRAGMA writable_schema = ON');
      return file.copy(from, to);
    } catch (error) {
      return { nothing: (error as Error).message };
    } finally {
      closeQuietly(from);
    }
  });
}

/** The log of writes goes first: it must never be taken for the successor's. */
function replace(path: string, aside: string): void {
  for (const suffix of ['-wal', '']) if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  rmSync(`${path}-shm`, { force: true });
  renameSync(successor(path), path);
  syncPath(dirname(path));
  forgetOldest(path);
}

function forgetOldest(path: string): void {
  const folder = dirname(path);
  const others = readdirSync(folder)
    .filter((name) => new RegExp(`^${RegExp.escape(basename(path))}\\.damaged-\\d+$`).test(name))
    .sort();
  for (const name of others.slice(0, -keptAside)) {
    for (const suffix of ['', '-wal']) rmSync(join(folder, name + suffix), { force: true });
  }
}

function closeQuietly(db: DatabaseSync | undefined): void {
  try {
    db?.close();
  } catch {
    // what cannot be closed well was damaged before
  }
}

function syncPath(path: string): void {
  const handle = openSync(path, 'r');
  fsyncSync(handle);
  closeSync(handle);
}
