/**
 * Reads the intact rows of a table in a damaged SQLite file: from its start until the damage, from its end back to it,
 * and the rows between one by one, each found from the root of the tree.
 */
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';

export type ReadRow = Readonly<Record<string, SQLOutputValue>>;

/** Maximum number of rows between the damaged places that are looked up one by one. */
const maxLookups = 200_000;
/** After this many consecutive numbers without a row, the search ends; one look-up takes some microseconds. */
const maxMisses = 10_000;

/**
 * @param table with a rowid
 * @param take called once for each readable row, with numbers as bigints, not in order where there is damage
 * @returns whether all of the table could be read
 */
export function readRows(db: DatabaseSync, table: string, take: (row: ReadRow) => void): boolean {
  const select = (order: string) => `SELECT rowid AS "rowid", * FROM ${table} ${order}`;
  let first: number | undefined;
  let last: number | undefined;
  const forward = walk(db, select('ORDER BY rowid'), (row) => {
    first = numberOf(row) ?? first;
    take(row);
  });
  if (forward) return true;
  walk(db, select(`WHERE rowid > ${first ?? Number.MIN_SAFE_INTEGER} ORDER BY rowid DESC`), (row) => {
    last = numberOf(row) ?? last;
    take(row);
  });
  const one = select('WHERE rowid = ?');
  const most = (first ?? 0) + 1 + maxLookups;
  if (first !== undefined && last !== undefined)
    lookUp(db, one, range(first + 1, Math.min(last, most)), maxLookups, take);
  // One end cannot be read: the rows next to the other end are looked up, until the search ends.
  else if (last !== undefined) lookUp(db, one, range(last - 1, last - 1 - maxLookups), maxMisses, take);
  else lookUp(db, one, range((first ?? 0) + 1, most), maxMisses, take);
  return false;
}

/** The same for a table without rowids, from both of its ends. @param key its columns; rows may be passed twice */
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

/** False at damage. Errors of `take` are thrown. */
function walk(db: DatabaseSync, sql: string, take: (row: ReadRow) => void): boolean {
  let rows: Iterator<ReadRow>;
  try {
    rows = prepared(db, sql).iterate();
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

/** Undefined for a damaged number that is out of JavaScript's range. */
function numberOf({ rowid }: ReadRow): number | undefined {
  const number = Number(rowid);
  return Number.isSafeInteger(number) ? number : undefined;
}

/** Reads the rows of these numbers one by one. Ends after the maximum of consecutive numbers without a readable row. */
function lookUp(
  db: DatabaseSync,
  sql: string,
  rowids: Iterable<number>,
  misses: number,
  take: (row: ReadRow) => void,
): void {
  const statement: StatementSync | undefined = attempt(() => prepared(db, sql));
  if (!statement) return;
  let missed = 0;
  for (const rowid of rowids) {
    const row = attempt(() => statement.get(rowid));
    missed = row ? 0 : missed + 1;
    if (row) take(row);
    if (missed >= misses) return;
  }
}

/** From one number up or down to the one before the other. */
function* range(from: number, to: number): Iterable<number> {
  const step = from < to ? 1 : -1;
  for (let at = from; at !== to; at += step) yield at;
}

/** Numbers are bigints: a number out of JavaScript's range would throw, as if it could not be read. */
function prepared(db: DatabaseSync, sql: string): StatementSync {
  const statement = db.prepare(sql);
  statement.setReadBigInts(true);
  return statement;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
