/**
 * The outbox's file: events without an outcome, outcomes that are not delivered yet, names of events, and the last
 * ticks of schedules. Runs in its own thread, because each commit waits for the disk.
 *
 * Invariants: a batch of operations is one transaction, on disk when `run` returns, or nothing of it counts. A named id
 * is in one of the tables at most once. A damaged row is set aside and stops no other.
 */
import type { DatabaseSync } from 'node:sqlite';
import { closeDurable } from '../../storage/durable-file.ts';
import { createEventTable } from './event-table.ts';
import type { FileState, Operation, PendingOfTrigger, Report } from './operations.ts';
import { createOutcomeTable } from './outcome-table.ts';
import { openTables } from './tables.ts';

/** SQLite's usual page. Free pages are kept for later rows, and returned a few at a time. */
const pageBytes = 4_096;
const keptFreePages = 1_024;
const vacuumPages = 256;

/** Operations that need the disk; the others only write damaged rows aside. */
const writing: ReadonlySet<Operation['do']> = new Set([
  'record',
  'failed',
  'end',
  'forget',
  'set-aside',
  'keep-only',
  'set-last-tick',
]);

export type BatchResult = {
  /** One for each operation. */
  readonly answers: readonly unknown[];
  /** Time of the commit; undefined when there was nothing to write. */
  readonly commitSeconds: number | undefined;
};

export type OutboxFile = {
  /** @throws SQLite's error; nothing of the batch counts then */
  run(operations: readonly Operation[]): BatchResult;
  /**
   * The operation cannot be done: an event that can have no outcome is set aside, so that it does not run again and
   * again.
   */
  refuse(operation: Operation): void;
  state(): FileState;
  pending(): readonly PendingOfTrigger[];
  /** Returns some of the file's free pages to the file system. */
  tidy(): void;
  close(): void;
};

/**
 * @param db open, with the tables of schema.ts
 * @param damagedAtOpen damaged rows found when the file was opened
 * @param seqAfter the last number that was used before, as far as is known
 * @param now monotonic, in milliseconds
 */
export function createOutboxFile(
  db: DatabaseSync,
  limitBytes: number,
  report: (report: Report) => void,
  damagedAtOpen = 0,
  seqAfter = 0,
  now: () => number = () => performance.now(),
): OutboxFile {
  const tables = openTables(db, report, damagedAtOpen, seqAfter);
  const outcomes = createOutcomeTable(tables);
  const events = createEventTable(tables, outcomes, limitBytes);
  const { sql } = tables;

  const setTick = (trigger: string, moment: number) => {
    sql('INSERT OR REPLACE INTO ticks (trigger, moment) VALUES (?, ?)').run(trigger, moment);
  };
  const lastTick = (trigger: string): number | undefined => {
    const row = sql('SELECT moment FROM ticks WHERE trigger = ?').get(trigger);
    return row && Number(row.moment);
  };
  const keepTicks = (triggers: readonly string[]) =>
    sql('DELETE FROM ticks WHERE trigger NOT IN (SELECT value FROM json_each(?))').run(JSON.stringify(triggers));

  const apply = (operation: Operation): unknown => {
    switch (operation.do) {
      case 'record': {
        const { trigger, tick } = operation.event;
        const answer = events.record(operation);
        if (tick !== undefined && answer.kept !== 'full') setTick(trigger, tick);
        return answer;
      }
      case 'events':
        return events.read(operation.trigger, operation.after, operation.limit);
      case 'failed':
        return events.failed(operation);
      case 'end':
        outcomes.add(operation.named, operation.outcome);
        return events.remove(operation.seq);
      case 'outcomes':
        return outcomes.read(operation.after, operation.limit);
      case 'forget':
        return operation.seqs.forEach(outcomes.forget);
      case 'set-aside':
        return operation.seqs.forEach(outcomes.setAside);
      case 'keep-only':
        keepTicks(operation.triggers);
        return events.keepOnly(operation);
      case 'last-tick':
        return lastTick(operation.trigger);
      case 'set-last-tick':
        return setTick(operation.trigger, operation.moment);
    }
  };

  /** Computed each time: an old value would be reported until the next operation, however late that is. */
  const findOldest = (): number | undefined => {
    const first = ['events', 'outcomes'].flatMap((table) => {
      const row = sql(`SELECT created_at FROM ${table} ORDER BY seq LIMIT 1`).get();
      return row ? [Number(row.created_at)] : [];
    });
    return first.length === 0 ? undefined : Math.min(...first);
  };

  return {
    run(operations) {
      const before = { ...tables.tally };
      const writes = operations.some((operation) => writing.has(operation.do));
      db.exec(writes ? 'BEGIN IMMEDIATE' : 'BEGIN');
      try {
        const answers = operations.map(apply);
        const start = now();
        db.exec('COMMIT');
        return { answers, commitSeconds: writes ? (now() - start) / 1_000 : undefined };
      } catch (error) {
        tables.tally = before;
        if (db.isTransaction) db.exec('ROLLBACK');
        throw error;
      }
    },
    refuse(operation) {
      if (operation.do !== 'end') return;
      const row = sql('SELECT * FROM events WHERE seq = ?').get(operation.seq);
      if (row && events.remove(operation.seq)) tables.setAside('event', row);
    },
    state() {
      const { events: waiting, outcomes: kept, bytes, damaged, seq } = tables.tally;
      return { events: waiting, outcomes: kept, bytes, damaged, oldest: findOldest(), lastSeq: seq };
    },
    pending: events.pending,
    tidy() {
      const free = Number(sql('PRAGMA freelist_count').get()?.freelist_count ?? 0);
      const used = tables.tally.bytes / pageBytes;
      if (free > keptFreePages + used) db.exec(`PRAGMA incremental_vacuum(${vacuumPages})`);
    },
    close: () => closeDurable(db),
  };
}
