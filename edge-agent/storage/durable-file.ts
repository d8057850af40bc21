/**
 * A SQLite file of the agent: made whole or not at all, readable by its owner only, looked at when it is opened. A
 * damaged one is put aside, and what can be read of it is in its successor. Its log of writes is looked at as well
 * (wal-check.ts, open-marker.ts); a copy of a damaged one is put aside.
 *
 * Invariant: at every moment, also when the process ends in the middle, the file at `path` is whole or the damaged one
 * is still there with its log of writes: the successor is finished under another name, and takes its place last.
 */
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { isMarked, mark, syncPath, unmark } from './open-marker.ts';
import { forgetOldest, quarantinePath } from './quarantine.ts';
import { faultOfLog, type LogFault } from './wal-check.ts';

export type DurableFile = {
  /** Sets it up: pragmas and tables. */
  readonly schema: string;
  /** What is wrong with it, if anything is; may also throw what SQLite throws at damage. */
  check(db: DatabaseSync): string | undefined;
  /**
   * Copies what can be read; `from` may throw at every read. What `to` throws is thrown: without room for the copy the
   * damaged file stays where it is. @returns what was saved, for the log
   */
  copy(from: DatabaseSync, to: DatabaseSync): Readonly<Record<string, unknown>>;
};

export type Opened = {
  readonly db: DatabaseSync;
  /** There when the file was damaged. */
  readonly salvage?: Salvage | undefined;
  /** There when something is missing that was written last. */
  readonly lostWrites?: LostWrites | undefined;
};

export type Salvage = {
  /** What was wrong. */
  readonly damage: string;
  /** Where the damaged file is now. */
  readonly aside: string;
  readonly saved: Readonly<Record<string, unknown>>;
};

/** The log of writes was damaged or gone: the file is as it was some commits ago. */
export type LostWrites = LogFault & {
  /** A copy of the log; undefined when it was gone, or cannot be read. */
  readonly aside: string | undefined;
};

/** True for what SQLite throws at a file that is damaged (SQLITE_CORRUPT), or no such file (SQLITE_NOTADB). */
export function isDamage(error: unknown): boolean {
  const code = primaryCode(error);
  return code === 11 || code === 26;
}

/**
 * True for what SQLite throws when the disk does not give what was written: SQLITE_IOERR_READ, _SHORT_READ, _CORRUPTFS
 * and _DATA. It may pass; when it comes again after the file was opened anew, it is damage.
 */
export function isReadFault(error: unknown): boolean {
  return [266, 522, 8_458, 8_202].includes(resultCode(error) ?? 0);
}

/** True when SQLite refuses a row for what is in it: SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_TOOBIG. */
export function isRefusal(error: unknown): boolean {
  return [18, 19, 20].includes(primaryCode(error) ?? 0);
}

/** SQLite's primary result code of an error (https://sqlite.org/rescode.html). */
export function primaryCode(error: unknown): number | undefined {
  const code = resultCode(error);
  return code === undefined ? undefined : code & 0xff;
}

function resultCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | undefined)?.errcode;
  return typeof code === 'number' ? code : undefined;
}

/** To be closed with `closeDurable`. @throws what SQLite and the file system throw, but for damage */
export function openDurable(path: string, file: DurableFile): Opened {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (!existsSync(path) && !existsSync(successor(path))) build(path, file, () => undefined);
  // It is finished: what is at the path, if anything, is what it was made from.
  if (existsSync(successor(path))) replace(path);
  const looked = look(path, file);
  const { lostWrites } = looked;
  if ('db' in looked) {
    mark(path, looked.db);
    return looked;
  }
  const saved = salvage(path, file);
  const aside = replace(path);
  const { db } = open(path, file);
  mark(path, db);
  return { db, salvage: { damage: looked.damage, aside, saved }, lostWrites };
}

/** Closes a file that `openDurable` opened, so that the next one to open it knows that it was. */
export function closeDurable(db: DatabaseSync): void {
  const path = db.location();
  try {
    const left = db.prepare('PRAGMA wal_checkpoint(FULL)').get();
    if (path !== null && left?.busy === 0) unmark(path);
  } catch {
    // What is in the log stays there, and closing says what is wrong.
  }
  db.close();
}

const successor = (path: string) => `${path}.next`;

type Looked = ({ readonly db: DatabaseSync } | { readonly damage: string }) & Pick<Opened, 'lostWrites'>;

function look(path: string, file: DurableFile, isSecond = false): Looked {
  // One that was made whole is never empty.
  if (statSync(path).size === 0) return { damage: 'the file is empty' };
  let opened: Opened | undefined;
  try {
    opened = open(path, file);
    const damage = file.check(opened.db);
    if (damage === undefined) return opened;
    closeQuietly(opened.db);
    return { damage, lostWrites: opened.lostWrites };
  } catch (error) {
    closeQuietly(opened?.db);
    const lostWrites = opened?.lostWrites;
    if (isReadFault(error) && !isSecond) return { lostWrites, ...look(path, file, true) };
    if (isDamage(error) || isReadFault(error)) return { damage: (error as Error).message, lostWrites };
    throw error;
  }
}

function open(path: string, { schema }: DurableFile): Opened {
  chmodSync(path, 0o600);
  const db = new DatabaseSync(path);
  try {
    // The first read locks the file. Nothing has been written since it was closed, or its process ended.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; SELECT count(*) FROM sqlite_schema');
    const lostWrites = lookAtLog(path);
    db.exec(schema);
    return { db, lostWrites };
  } catch (error) {
    closeQuietly(db);
    throw error;
  }
}

function lookAtLog(path: string): LostWrites | undefined {
  const log = `${path}-wal`;
  const fault = faultOfLog(log);
  if (fault) {
    const aside = quarantinePath(path);
    try {
      copyFileSync(log, `${aside}-wal`);
      chmodSync(`${aside}-wal`, 0o600);
    } catch {
      rmSync(`${aside}-wal`, { force: true });
      return { ...fault, aside: undefined };
    }
    forgetOldest(path);
    return { ...fault, aside: `${aside}-wal` };
  }
  const isGone = isMarked(path) && !(existsSync(log) && statSync(log).size > 0);
  // It has been said once; it is marked again when it is in use.
  unmark(path);
  if (!isGone) return undefined;
  return { damage: 'the file was not closed, and its log of writes is gone', frames: 0, aside: undefined };
}

/** Makes a whole file as the successor. */
function build<T>(path: string, file: DurableFile, fill: (db: DatabaseSync) => T): T {
  const partial = `${path}.partial`;
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(partial + suffix, { force: true });
  closeSync(openSync(partial, 'a', 0o600));
  const { db } = open(partial, file);
  let result: T;
  try {
    result = fill(db);
  } finally {
    // Closing takes the log of writes into the file.
    db.close();
  }
  syncPath(partial);
  renameSync(partial, successor(path));
  return result;
}

function salvage(path: string, file: DurableFile): Readonly<Record<string, unknown>> {
  return build(path, file, (to) => {
    // Should the log of writes be what cannot be read, it is left out.
    const from = openDamaged(path) ?? openDamaged(`${pathToFileURL(path).href}?immutable=1`) ?? openNothing();
    try {
      return file.copy(from, to);
    } finally {
      closeQuietly(from);
    }
  });
}

/** In the place of a file that cannot be read at all: no table can be read in it. */
const openNothing = () => new DatabaseSync(':memory:');

function openDamaged(location: string): DatabaseSync | undefined {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(location, { readOnly: true, defensive: false });
    // Without it, nothing can be read of a file that is shorter than it says.
    db.exec('PRAGMA writable_schema = ON; SELECT count(*) FROM sqlite_schema');
    return db;
  } catch {
    closeQuietly(db);
    return undefined;
  }
}

/** The log of writes goes first: it must never be taken for the successor's. @returns where the damaged file is now */
function replace(path: string): string {
  const aside = quarantinePath(path);
  for (const suffix of ['-wal', '']) if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  rmSync(`${path}-shm`, { force: true });
  unmark(path);
  renameSync(successor(path), path);
  syncPath(dirname(path));
  forgetOldest(path);
  return aside;
}

function closeQuietly(db: DatabaseSync | undefined): void {
  try {
    db?.close();
  } catch {
    // what cannot be closed well was damaged before
  }
}
