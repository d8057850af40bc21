/**
 * Passes many rows as one parameter of a statement. With a parameter for each value, building the statement of 500
 * outcomes blocks the process for about 40 ms; this way it takes 2.
 */
import { type SQL, sql } from 'drizzle-orm';

/** Limits of one statement. Its one parameter must stay far below the longest possible string. */
const maxRows = 1_000;
const maxBytes = 8 * 1024 * 1024;

/**
 * Splits rows into pieces that fit one statement each, in their order; a larger row is alone.
 * @param bytesOf inputs and outputs
 */
export function* pieces<T>(all: readonly T[], bytesOf: (one: T) => number): Generator<readonly T[]> {
  let from = 0;
  let bytes = 0;
  for (const [at, one] of all.entries()) {
    const size = bytesOf(one);
    if (at > from && (at - from >= maxRows || bytes + size > maxBytes)) {
      yield all.slice(from, at);
      from = at;
      bytes = 0;
    }
    bytes += size;
  }
  if (from < all.length) yield all.slice(from);
}

/** How a column's value passes through JSON. */
export type ColumnKind = 'uuid' | 'text' | 'integer' | 'bytea' | 'timestamptz' | 'jsonb';

/** Value of a column, before it is JSON. */
type Value = string | number | Uint8Array | Date | object | null;

/**
 * `(columns) select … from …`, to follow `insert into table`; the rows keep their order.
 * @param columns our own names, not from outside
 */
export function rowsToInsert<Column extends string>(
  columns: Readonly<Record<Column, ColumnKind>>,
  rows: readonly Readonly<Record<Column, Value>>[],
): SQL {
  const entries = Object.entries(columns) as [Column, ColumnKind][];
  const names = entries.map(([name]) => name).join(', ');
  const values = entries.map(([name, kind]) => (kind === 'bytea' ? `decode(${name}, 'base64')` : name)).join(', ');
  const types = entries.map(([name, kind]) => `${name} ${kind === 'bytea' ? 'text' : kind}`).join(', ');
  const json = JSON.stringify(
    rows.map((row) => Object.fromEntries(entries.map(([name]) => [name, toJson(row[name])]))),
  );
  return sql`(${sql.raw(names)}) select ${sql.raw(values)} from json_to_recordset(${json}::json) as given(${sql.raw(types)})`;
}

function toJson(value: Value): unknown {
  if (!(value instanceof Uint8Array)) return value;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
}
