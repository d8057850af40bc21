/** Events without an outcome, in the order of their arrival. */

import { goneOutcome } from './gone-outcome.ts';
import { eventShare } from './limits.ts';
import type {
  Answers,
  KeepOnlyOperation,
  KeptEvent,
  Limit,
  Operation,
  PendingOfTrigger,
  RecordOperation,
} from './operations.ts';
import type { OutcomeTable } from './outcome-table.ts';
import { eventColumns, eventSize, eventValues, readEvent, rowBytes } from './rows.ts';
import type { Tables } from './tables.ts';

/** Most events that are dropped for one: some of the smallest for the largest. */
const maxGiveWay = 10_000;
/** Triggers for which a refused wave is remembered. */
const maxWaves = 10_000;

type EventTable = {
  record(operation: RecordOperation): Answers['record'];
  read(trigger: string, after: number, limit: Limit): Answers['events'];
  failed(attempt: Operation & { do: 'failed' }): void;
  /** False when it is absent. */
  remove(seq: number): boolean;
  /** Events of other functions become dead letters, with their input. */
  keepOnly(operation: KeepOnlyOperation): Answers['keep-only'];
  pending(): readonly PendingOfTrigger[];
};

export function createEventTable(tables: Tables, outcomes: OutcomeTable, limitBytes: number): EventTable {
  const { sql } = tables;
  /** By trigger, the last wave with a refused event. */
  const refusedWaves = new Map<string, number>();

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

  /** Rows that may be dropped, in the order of dropping. */
  const candidates = function* ({ event, drop, dropAfter }: RecordOperation) {
    for (const seq of drop) {
      const row = sql('SELECT seq, length(input) AS size FROM events WHERE seq = ?').get(seq);
      if (row) yield row;
    }
    if (dropAfter === undefined) return;
    const oldest = 'SELECT seq, length(input) AS size FROM events WHERE trigger = ? AND seq > ? ORDER BY seq LIMIT ?';
    yield* sql(oldest).iterate(event.trigger, dropAfter, maxGiveWay);
  };

  /** Events to drop: at least one if there are any, and enough. Undefined: there would be no room even so. */
  const giveWay = (operation: RecordOperation): readonly number[] | undefined => {
    const most = limitBytes * eventShare - eventSize(operation.event.input);
    let { bytes } = tables.tally;
    const seqs: number[] = [];
    for (const { seq, size } of candidates(operation)) {
      if (seqs.length > 0 && bytes <= most) break;
      seqs.push(Number(seq));
      bytes -= rowBytes + Number(size);
    }
    return bytes <= most ? seqs : undefined;
  };

  return {
    record(operation) {
      const { event } = operation;
      const { id, named, trigger, invalid, input, createdAt, function: fn, origin } = event;
      if (named && isKnown(id)) return { kept: 'known', seq: 0, dropped: [] };
      const refused = { kept: 'full', seq: 0, dropped: [] } as const;
      if (refusedWaves.get(trigger) === operation.wave) return refused;
      const givingWay = giveWay(operation);
      if (!givingWay) {
        if (refusedWaves.size >= maxWaves) refusedWaves.clear();
        refusedWaves.set(trigger, operation.wave);
        return refused;
      }
      const dropped = givingWay.filter(remove);
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
    keepOnly({ functions, except, after, limit, now }) {
      const of = 'SELECT value FROM json_each(?)';
      const others = `function NOT IN (${of}) AND seq NOT IN (${of}) AND seq > ? ORDER BY seq`;
      const rows = sql(`SELECT ${eventColumns} FROM events WHERE ${others}`);
      const found = rows.iterate(JSON.stringify(functions), JSON.stringify(except), after);
      const { good, spoilt, more } = tables.readUntil(found, limit, readEvent);
      const seqs = [...good, ...spoilt].map(({ seq }) => Number(seq));
      for (const event of good) {
        remove(event.seq);
        outcomes.add(event.named, goneOutcome(event, now));
      }
      for (const row of spoilt) if (remove(Number(row.seq))) tables.setAside('event', row);
      return { ended: countByTrigger(good), damaged: countByTrigger(spoilt), after: Math.max(after, ...seqs), more };
    },
    pending: () =>
      sql('SELECT trigger, function, count(*) AS events FROM events GROUP BY trigger, function')
        .all()
        .map((row) => ({ trigger: String(row.trigger), function: String(row.function), events: Number(row.events) })),
  };
}

function countByTrigger(rows: readonly { readonly trigger?: unknown }[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { trigger } of rows) counts[String(trigger)] = (counts[String(trigger)] ?? 0) + 1;
  return counts;
}
