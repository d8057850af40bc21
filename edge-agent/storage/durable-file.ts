/**
 * A SQLite file of the agent: complete or absent, readable by its owner only, checked when it is opened. A damaged file
 * is moved to quarantine, and its readable rows are copied to its successor. The write-ahead log is checked as well
 * (wal-check.ts, open-marker.ts); a copy of a damaged log goes to quarantine.
 *
 * Invariant: at every moment, also when the process ends in the middle, the file at `path` is complete, or the damaged
 * file is still there with its write-ahead log. The successor is completed under another name, and takes its place
 * last.
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
  /** Sets the file up: pragmas and tables. */
  readonly schema: string;
  /** The fault of the file, if it has one. May also throw SQLite's errors for damage. */
  check(db: DatabaseSync): string | undefined;
  /**
   * Copies the readable rows; `from` may throw at every read. Errors of `to` are thrown: without room for the copy the
   * damaged file stays in its place. @returns a summary for the log
   */
  copy(from: DatabaseSync, to: DatabaseSync): Readonly<Record<string, unknown>>;
};

export type Opened = {
  readonly db: DatabaseSync;
  /** Present when the file was damaged. */
  readonly salvage?: Salvage | undefined;
  /** Present when the last writes are missing. */
  readonly lostWrites?: LostWrites | undefined;
};

export type Salvage = {
  /** The fault. */
  readonly damage: string;
  /** Path of the damaged file now. */
  readonly aside: string;
  readonly saved: Readonly<Record<string, unknown>>;
};

/** The write-ahead log was damaged or missing: the file has its state from before the last commits. */
export type LostWrites = LogFault & {
  /** A copy of the log; undefined when it was missing, or cannot be read. */
  readonly aside: string | undefined;
};

/** True for SQLite's errors at a damaged file (SQLITE_CORRUPT), or at a file of another format (SQLITE_NOTADB). */
export function isDamage(error: unknown): boolean {
  const code = primaryCode(error);
  return code === 11 || code === 26;
}

/**
 * True for SQLite's errors at a failed read of the disk: SQLITE_IOERR_READ, _SHORT_READ, _CORRUPTFS and _DATA. It may
 * be temporary. When it happens again after the file was opened again, it counts as damage.
 */
export function isReadFault(error: unknown): boolean {
  return [266, 522, 8_458, 8_202].includes(resultCode(error) ?? 0);
}

/** True when SQLite refuses a row because of its values: SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_TOOBIG. */
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

/** Close the file with `closeDurable`. @throws the errors of SQLite and the file system, except for damage */
export function openDurable(path: string, file: DurableFile): Opened {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (!existsSync(path) && !existsSync(successor(path))) build(path, file, () => undefined);
  // The successor is complete. A file at the path, if any, is its source.
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

/** Closes a file of `openDurable`, and records that it was closed properly. */
export function closeDurable(db: DatabaseSync): void {
  const path = db.location();
  try {
    const left = db.prepare('PRAGMA wal_checkpoint(FULL)').get();
    if (path !== null && left?.busy === 0) unmark(path);
  } catch {
    // The rows in the log stay there, and closing reports the fault.
  }
  db.close();
}

const successor = (path: string) => `${path}.next`;

type Looked = ({ readonly db: DatabaseSync } | { readonly damage: string }) & Pick<Opened, 'lostWrites'>;

function look(path: string, file: DurableFile, isSecond = false): Looked {
  // A complete file is never empty.
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
    // The first read locks the file. No process has written to it since it was closed, or its process ended.
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
  // The loss was reported once; the file is marked again when it is in use.
  unmark(path);
  if (!isGone) return undefined;
  return { damage: 'the file was not closed, and its write-ahead log is gone', frames: 0, aside: undefined };
}

/** Makes a complete file as the successor. */
function build<T>(path: string, file: DurableFile, fill: (db: DatabaseSync) => T): T {
  const partial = `${path}.partial`;
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(partial + suffix, { force: true });
  closeSync(openSync(partial, 'a', 0o600));
  const { db } = open(partial, file);
  let result: T;
  try {
    result = fill(db);
  } finally {
    // Closing copies the write-ahead log into the file.
    db.close();
  }
  syncPath(partial);
  renameSync(partial, successor(path));
  return result;
}

function salvage(path: string, file: DurableFile): Readonly<Record<string, unknown>> {
  return build(path, file, (to) => {
    // A write-ahead log that cannot be read is left out.
    const from = openDamaged(path) ?? openDamaged(`${pathToFileURL(path).href}?immutable=1`) ?? openNothing();
    try {
      return file.copy(from, to);
    } finally {
      closeQuietly(from);
    }
  });
}

/** Stands for a file that cannot be read at all: no table can be read in it. */
const openNothing = () => new DatabaseSync(':memory:');

function openDamaged(location: string): DatabaseSync | undefined {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(location, { readOnly: true, defensive: false });
    // Without it, no row can be read of a file that is shorter than its header says.
    db.exec('PRAGMA writable_schema = ON; SELECT count(*) FROM sqlite_schema');
    return db;
  } catch {
    closeQuietly(db);
    return undefined;
  }
}

/**
 * The write-ahead log is moved first: it must never be taken for the successor's. @returns the path of the damaged file
 * now
 */
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
    // a file that cannot be closed properly was damaged before
  }
}
