/**
 * Keeps a second process out of a data directory: PGlite has no lock of its own, and two processes on one directory
 * destroy it.
 *
 * The lock is the operating system's, taken by SQLite on an empty file. It ends with its process in any case, so it is
 * never stale, and no pid is compared. A file beside it names the holder, for the message only.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The directory is in use; the message names the process that uses it. */
export class DirectoryInUse extends Error {
  constructor(directory: string, holder: string) {
    super(`${directory} is in use by ${holder}`);
    this.name = 'DirectoryInUse';
  }
}

/** SQLITE_BUSY, https://sqlite.org/rescode.html#busy */
const sqliteBusy = 5;

/**
 * Takes the lock of an existing directory at once, or fails; the returned function releases it.
 * @throws DirectoryInUse
 */
export function lockDirectory(directory: string): () => void {
  const holderFile = join(directory, 'lock.holder');
  const lock = new DatabaseSync(join(directory, 'lock'), { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if ((error as { errcode?: number }).errcode === sqliteBusy) throw new DirectoryInUse(directory, holder(holderFile));
    throw error;
  }
  writeFileSync(holderFile, `process ${process.pid} on ${hostname()}\n`);
  const unlock = () => {
    process.off('exit', unlock);
    rmSync(holderFile, { force: true });
    lock.close();
  };
  // Besides tidying up, this keeps `lock` reachable: a collected lock would be closed, and the directory open to all.
  process.on('exit', unlock);
  return unlock;
}

function holder(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return 'another process';
  }
}
