/** The outbox's tables, the opening of its file, and the repair of a damaged one. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { type DurableFile, isRefusal, type Opened, openDurable } from '../../storage/durable-file.ts';
import { type ReadRow, readRows } from '../../storage/salvage-rows.ts';
import { copiedOutcome, eventColumns, eventValues, outcomeColumns, readEvent } from './rows.ts';

/**
 * A commit waits until it is on the disk (https://sqlite.org/pragma.html#pragma_synchronous). Free pages return to the
 * file system little by little. The write-ahead log shrinks again after a large batch.
 */
const schema = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA auto_vacuum = INCREMENTAL;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA journal_size_limit = 8388608;
  PRAGMA cache_size = -2000;
  CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, named INTEGER NOT NULL, function TEXT NOT NULL, trigger TEXT NOT NULL,
    origin TEXT NOT NULL, created_at INTEGER NOT NULL, attempts INTEGER NOT NULL, not_before INTEGER NOT NULL,
    input BLOB NOT NULL, checksum INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS events_by_trigger ON events (trigger, seq);
  CREATE UNIQUE INDEX IF NOT EXISTS events_by_name ON events (id) WHERE named = 1;
  CREATE TABLE IF NOT EXISTS outcomes (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, named INTEGER NOT NULL, created_at INTEGER NOT NULL,
    facts TEXT NOT NULL, input BLOB, output BLOB, checksum INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS outcomes_by_name ON outcomes (id) WHERE named = 1;
  CREATE TABLE IF NOT EXISTS forgotten (place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE IF NOT EXISTS ticks (trigger TEXT PRIMARY KEY, moment INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS damaged (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, id ANY, facts ANY, input ANY, output ANY
  ) STRICT;
`;

const outboxFile: DurableFile = {
  schema,
  check(db) {
    const found = db.prepare('PRAGMA quick_check(1)').get()?.quick_check;
    return found === 'ok' ? undefined : String(found);
  },
  copy(from, to) {
    to.exec('BEGIN');
    const saved = {
      events: copyTable(from, to, 'events', (row) => {
        const event = readEvent(row);
        return event && eventValues(event);
      }),
      outcomes: copyTable(from, to, 'outcomes', copiedOutcome),
      forgotten: copyTable(from, to, 'forgotten', (row) => [Number(row.place), String(row.id)]),
      ticks: copyTable(from, to, 'ticks', (row) => [String(row.trigger), Number(row.moment)]),
    };
    to.exec('COMMIT');
    return saved;
  },
};

/** @throws errors of SQLite and the file system, except for damage */
export function openOutbox(path: string): Opened {
  return openDurable(path, outboxFile);
}

type Saved = { readonly rows: number; readonly damaged: number; readonly whole: boolean };

const tableColumns: Readonly<Record<string, string>> = {
  events: eventColumns,
  outcomes: outcomeColumns,
  forgotten: 'place, id',
  ticks: 'trigger, moment',
};

/** @param parse values of the row's columns; undefined: the row is damaged */
function copyTable(
  from: DatabaseSync,
  to: DatabaseSync,
  table: string,
  parse: (row: ReadRow) => SQLInputValue[] | undefined,
): Saved {
  const columns = tableColumns[table] ?? '';
  const places = columns.replace(/\w+/g, '?');
  const insert = to.prepare(`INSERT INTO ${table} (${columns}) VALUES (${places}) ON CONFLICT DO NOTHING`);
  let rows = 0;
  let damaged = 0;
  const whole = readRows(from, table, (row) => {
    try {
      const values = parse(row);
      if (values) rows += Number(insert.run(...values).changes);
      else damaged += 1;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      damaged += 1;
    }
  });
  return { rows, damaged, whole };
}
