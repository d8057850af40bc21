/** The shared parts of the tables in the outbox's file: statements, fill levels, and damaged rows. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Limit, Report } from './operations.ts';
import { rowBytes, type SqliteRow } from './rows.ts';

/** Damaged rows that are kept for examination; the oldest are deleted first. */
const keptDamaged = 100;

export type Tally = {
  events: number;
  outcomes: number;
  /** Of both, including the overhead of rows. */
  bytes: number;
  /** Names of forgotten events so far. */
  names: number;
  /** The last number that was used. */
  seq: number;
  damaged: number;
};

export type Tables = {
  /** The statement of this text, prepared once. Returns bigints: a damaged number may not fit any other type. */
  sql(text: string): StatementSync;
  /** Restored by the code that rolls a transaction back. */
  tally: Tally;
  nextSeq(): number;
  /** Keeps the rest of a damaged row, which has left its table. */
  setAside(kind: 'event' | 'outcome', row: SqliteRow): void;
  /** Rows up to the limit, at least one good one if there is any; rows that do not parse are `spoilt`. */
  readUntil<T>(rows: Iterable<SqliteRow>, limit: Limit, parse: (row: SqliteRow) => T | undefined): ReadRows<T>;
};

type ReadRows<T> = {
  readonly good: readonly T[];
  readonly spoilt: readonly SqliteRow[];
  readonly more: boolean;
};

/**
 * @param damaged rows that were found damaged before
 * @param seqAfter numbers continue after this one, or after the file's last one if that is larger
 */
export function openTables(
  db: DatabaseSync,
  report: (report: Report) => void,
  damaged: number,
  seqAfter: number,
): Tables {
  const statements = new Map<string, StatementSync>();
  const sql = (text: string): StatementSync => {
    const known = statements.get(text);
    if (known) return known;
    const made = db.prepare(text);
    made.setReadBigInts(true);
    statements.set(text, made);
    return made;
  };
  const tables: Tables = {
    sql,
    tally: { ...countRows(db, seqAfter), damaged },
    nextSeq() {
      tables.tally.seq += 1;
      return tables.tally.seq;
    },
    setAside(kind, row) {
      const { seq, id = null, facts, function: fn, trigger, input = null, output = null } = row;
      sql('INSERT OR REPLACE INTO damaged (seq, kind, id, facts, input, output) VALUES (?, ?, ?, ?, ?, ?)').run(
        Number(seq),
        kind,
        id,
        facts ?? `${fn} ${trigger}`,
        input,
        output,
      );
      const beyond = 'SELECT seq FROM damaged ORDER BY seq DESC LIMIT 1 OFFSET ?';
      sql(`DELETE FROM damaged WHERE seq <= (${beyond})`).run(keptDamaged);
      tables.tally.damaged += 1;
      const message = `a damaged ${kind} in the outbox was set aside`;
      report({ level: 'error', message, fields: { invocation: String(id), row: Number(seq) } });
    },
    readUntil(rows, limit, parse) {
      const good = [];
      const spoilt: SqliteRow[] = [];
      let bytes = 0;
      for (const row of rows) {
        const full = good.length >= limit.rows || bytes >= limit.bytes || spoilt.length >= limit.rows;
        if (full && good.length + spoilt.length > 0) return { good, spoilt, more: true };
        const parsed = parse(row);
        if (parsed === undefined) spoilt.push(row);
        else good.push(parsed);
        for (const content of [row.input, row.output]) if (content instanceof Uint8Array) bytes += content.byteLength;
      }
      return { good, spoilt, more: false };
    },
  };
  return tables;
}

function countRows(db: DatabaseSync, seqAfter: number): Omit<Tally, 'damaged'> {
  const number = (sql: string) => {
    const statement = db.prepare(sql);
    statement.setReadBigInts(true);
    return Number(statement.get()?.n ?? 0);
  };
  const events = number('SELECT count(*) AS n FROM events');
  const outcomes = number('SELECT count(*) AS n FROM outcomes');
  const content =
    number('SELECT sum(length(input)) AS n FROM events') +
    number('SELECT sum(coalesce(length(input), 0) + coalesce(length(output), 0)) AS n FROM outcomes');
  return {
    events,
    outcomes,
    bytes: content + rowBytes * (events + outcomes),
    names: number('SELECT max(place) AS n FROM forgotten'),
    seq: Math.max(
      seqAfter,
      ...['events', 'outcomes', 'damaged'].map((table) => number(`SELECT max(seq) AS n FROM ${table}`)),
    ),
  };
}
