/**
 * What can still be read of a table in a damaged SQLite file: from its start until the damage, from its end back to
 * it, and what lies between row by row, each found from the root of the tree on its own.
 */
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';

export type ReadRow = Readonly<Record<string, SQLOutputValue>>;

/** Rows between the damaged places that are looked for one by one, at most. */
const maxLookups = 200_000;

/**
 * @param table with a rowid
 * @param take called once for each row that can be read, not in order where there is damage
 * @returns whether all of the table could be read
 */
export function readRows(db: DatabaseSync, table: string, take: (row: ReadRow) => void): boolean {
  const select = (order: string) => `SELECT rowid AS "rowid", * FROM ${table} ${order}`;
  let first: number | undefined;
  let last: number | undefined;
  const forward = walk(db, select('ORDER BY rowid'), (row) => {
    first = Number(row.rowid);
    take(row);
  });
  if (forward) return true;
  walk(db, select(`WHERE rowid > ${first ?? Number.MIN_SAFE_INTEGER} ORDER BY rowid DESC`), (row) => {
    last = Number(row.rowid);
    take(row);
  });
  const from = first ?? 0;
  if (last !== undefined) lookUp(db, select('WHERE rowid = ?'), from + 1, Math.min(last, from + maxLookups), take);
  return false;
}

/** The same for a table without rowids, from both of its ends. @param key its columns; rows may be given twice */
export function readKeyedRows(
  db: DatabaseSync,
  table: string,
  key: readonly string[],
  take: (row: ReadRow) => void,
): boolean {
  const select = (order: string) => `SELECT * FROM ${table} ORDER BY ${key.map((one) => `${one} ${order}`).join()}`;
  if (walk(db, select('ASC'), take)) return true;
  walk(db, select('DESC'), take);
  return false;
}

/** False when it came upon damage. What `take` throws is thrown. */
function walk(db: DatabaseSync, sql: string, take: (row: ReadRow) => void): boolean {
  let rows: Iterator<ReadRow>;
  try {
    rows = db.prepare(sql).iterate();
  } catch {
    return false;
  }
  for (;;) {
    const next = attempt(() => rows.next());
    if (next === undefined) return false;
    if (next.done) return true;
    take(next.value);
  }
}

/** The rows from the first number to the one before the last, each by itself. */
function lookUp(db: DatabaseSync, sql: string, from: number, to: number, take: (row: ReadRow) => void): void {
  const statement: StatementSync | undefined = attempt(() => db.prepare(sql));
  for (let rowid = from; statement && rowid < to; rowid++) {
    const row = attempt(() => statement.get(rowid));
    if (row) take(row);
  }
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
