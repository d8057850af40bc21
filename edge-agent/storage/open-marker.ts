/**
 * A mark beside a SQLite file that is open: an empty file, `…-open`. While it is there the log of writes has something
 * in it. So a file that was not closed, and has no log any more, has lost what was written last, and it can be said.
 */
import { closeSync, existsSync, fsyncSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';

const markOf = (path: string) => `${path}-open`;

export const isMarked = (path: string): boolean => existsSync(markOf(path));

/** The file is open, and nobody else has it. Without room on the disk there is no mark, and nothing else is wrong. */
export function mark(path: string, db: DatabaseSync): void {
  try {
    // Writes one page, so that there is something in the log.
    db.exec('PRAGMA user_version = 0');
    syncPath(`${path}-wal`);
    closeSync(openSync(markOf(path), 'a', 0o600));
    syncPath(dirname(path));
  } catch {
    unmark(path);
  }
}

/** All that was written is in the file itself. */
export function unmark(path: string): void {
  if (!isMarked(path)) return;
  rmSync(markOf(path), { force: true });
  syncPath(dirname(path));
}

/** What was written to a file or a folder is on the disk when this returns. */
export function syncPath(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
