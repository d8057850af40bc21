/** Events that have no outcome yet, in the order in which they came. */
import { eventShare } from './limits.ts';
import type { Answers, KeptEvent, Limit, Operation, PendingOfTrigger, RecordOperation } from './operations.ts';
import type { OutcomeTable } from './outcome-table.ts';
import { eventColumns, eventSize, eventValues, readEvent, rowBytes } from './rows.ts';
import type { Tables } from './tables.ts';

export type EventTable = {
  record(operation: RecordOperation): Answers['record'];
  read(trigger: string, after: number, limit: Limit): Answers['events'];
  failed(attempt: Operation & { do: 'failed' }): void;
  /** False when it is not there. */
  remove(seq: number): boolean;
  /** Events of other functions go. @returns how many, by trigger */
  keepOnly(functions: readonly string[]): Readonly<Record<string, number>>;
  pending(): readonly PendingOfTrigger[];
};

export function createEventTable(tables: Tables, outcomes: OutcomeTable, limitBytes: number): EventTable {
  const { sql } = tables;

  const isKnown = (id: string) =>
    sql('SELECT 1 FROM forgotten WHERE id = ?').get(id) !== undefined ||
    sql('SELECT 1 FROM events WHERE id = ? AND named = 1').get(id) !== undefined ||
    sql('SELECT 1 FROM outcomes WHERE id = ? AND named = 1').get(id) !== undefined;

  const remove = (seq: number): boolean => {
    const row = sql('DELETE FROM events WHERE seq = ? RETURNING length(input) AS size').get(seq);
    if (!row) return false;
    tables.tally.events -= 1;
    tables.tally.bytes -= rowBytes + Number(row.size);
    return true;
  };

  const add = (event: KeptEvent) => {
    sql(`INSERT INTO events (${eventColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(...eventValues(event));
    tables.tally.events += 1;
    tables.tally.bytes += eventSize(event.input);
  };

  const makeRoom = (trigger: string, drop: readonly number[], dropAfter: number | undefined): number[] => {
    const dropped = drop.filter(remove);
    if (dropAfter === undefined) return dropped;
    const oldest = 'SELECT seq FROM events WHERE trigger = ? AND seq > ? ORDER BY seq LIMIT 1';
    const row = sql(oldest).get(trigger, dropAfter);
    if (row && remove(Number(row.seq))) dropped.push(Number(row.seq));
    return dropped;
  };

  return {
    record({ event, named, drop, dropAfter }) {
      const { id, trigger, invalid, input, createdAt, function: fn, origin } = event;
      if (named && isKnown(id)) return { kept: 'known', seq: 0, dropped: [] };
      const dropped = makeRoom(trigger, drop, dropAfter);
      if (tables.tally.bytes + eventSize(input) > limitBytes * eventShare) return { kept: 'full', seq: 0, dropped };
      const facts = { id, function: fn, trigger, origin, createdAt, input, attempts: 0 };
      if (invalid !== undefined) {
        const result = { ok: false, code: 'event_invalid', message: invalid.slice(0, 4_096) } as const;
        outcomes.add(named, { ...facts, revision: 0, startedAt: createdAt, endedAt: createdAt, result });
        return { kept: 'recorded', seq: 0, dropped };
      }
      const seq = tables.nextSeq();
      add({ ...facts, seq, named, notBefore: 0 });
      return { kept: 'recorded', seq, dropped };
    },
    read(trigger, after, limit) {
      const rows = sql(`SELECT ${eventColumns} FROM events WHERE trigger = ? AND seq > ? ORDER BY seq`);
      const { good, spoilt, more } = tables.readUntil(rows.iterate(trigger, after), limit, readEvent);
      for (const row of spoilt) if (remove(Number(row.seq))) tables.setAside('event', row);
      return { events: good, more, damaged: spoilt.length };
    },
    failed({ attempts, notBefore, seq }) {
      sql('UPDATE events SET attempts = ?, not_before = ? WHERE seq = ?').run(attempts, notBefore, seq);
    },
    remove,
    keepOnly(functions) {
      const others = 'SELECT seq, trigger FROM events WHERE function NOT IN (SELECT value FROM json_each(?))';
      const dropped: Record<string, number> = {};
      for (const { seq, trigger } of sql(others).all(JSON.stringify(functions))) {
        remove(Number(seq));
        dropped[String(trigger)] = (dropped[String(trigger)] ?? 0) + 1;
      }
      return dropped;
    },
    pending: () =>
      sql('SELECT trigger, function, count(*) AS events FROM events GROUP BY trigger, function')
        .all()
        .map((row) => ({ trigger: String(row.trigger), function: String(row.function), events: Number(row.events) })),
  };
}
