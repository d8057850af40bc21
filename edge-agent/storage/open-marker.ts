/**
 * Marks a SQLite file as open: an empty file, `…-open`, beside it. While the mark is there, the write-ahead log has at
 * least one page. So a marked file without a log has lost its last writes, and the agent reports it.
 */
import { closeSync, existsSync, fsyncSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';

const markOf = (path: string) => `${path}-open`;

export const isMarked = (path: string): boolean => existsSync(markOf(path));

/** The file is open in this process only. Without room on the disk there is no mark, and nothing else fails. */
export function mark(path: string, db: DatabaseSync): void {
  try {
    // Writes one page, so that the log is not empty.
    db.exec('PRAGMA user_version = 0');
    syncPath(`${path}-wal`);
    closeSync(openSync(markOf(path), 'a', 0o600));
    syncPath(dirname(path));
  } catch {
    unmark(path);
  }
}

/** All writes are in the file itself. */
export function unmark(path: string): void {
  if (!isMarked(path)) return;
  rmSync(markOf(path), { force: true });
  syncPath(dirname(path));
}

/** Writes to a file or a folder are on the disk when this returns. */
export function syncPath(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
