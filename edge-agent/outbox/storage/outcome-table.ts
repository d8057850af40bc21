/** Outcomes that the control plane does not have yet, in their order; and names of those it has. */
import type { RecordedOutcome } from '@skerry/shared/tunnel/protocol.ts';
import type { Answers, Limit } from './operations.ts';
import { outcomeColumns, outcomeSize, outcomeValues, readOutcome, rowBytes, type SqliteRow } from './rows.ts';
import type { Tables } from './tables.ts';

/** Names of forgotten events; the oldest are deleted first. */
const keptNames = 100_000;

export type OutcomeTable = {
  /** An outcome whose name is there already is left as it is. */
  add(named: boolean, outcome: RecordedOutcome): void;
  read(after: number, limit: Limit): Answers['outcomes'];
  forget(seq: number): void;
  setAside(seq: number): void;
};

export function createOutcomeTable(tables: Tables): OutcomeTable {
  const { sql } = tables;

  const setAside = (seq: number) => {
    const row = sql(`DELETE FROM outcomes WHERE seq = ? RETURNING ${outcomeColumns}`).get(seq);
    if (!row) return;
    const [taken, given] = [row.input, row.output].map((one) => (one instanceof Uint8Array ? one : null));
    removed(taken, given);
    tables.setAside('outcome', row);
  };
  const removed = (...content: Parameters<typeof outcomeSize>) => {
    tables.tally.outcomes -= 1;
    tables.tally.bytes -= outcomeSize(...content);
  };

  return {
    add(named, outcome) {
      // Only the name may be there already: `OR IGNORE` would skip invalid outcomes as well.
      const places = '?, ?, ?, ?, ?, ?, ?, ?';
      const insert = `INSERT INTO outcomes (${outcomeColumns}) VALUES (${places}) ON CONFLICT DO NOTHING`;
      const { changes } = sql(insert).run(...outcomeValues(tables.nextSeq(), named, outcome));
      if (changes === 0) return;
      tables.tally.outcomes += 1;
      tables.tally.bytes += outcomeSize(outcome.input, outcome.result.ok ? outcome.result.output : null);
    },
    read(after, limit) {
      const rows = sql(`SELECT ${outcomeColumns} FROM outcomes WHERE seq > ? ORDER BY seq`);
      const { good, spoilt, more } = tables.readUntil(rows.iterate(after), limit, readOutcome);
      for (const row of spoilt) setAside(Number(row.seq));
      const seqs = [...good, ...spoilt].map(({ seq }) => Number(seq));
      return { outcomes: good, after: Math.max(after, ...seqs), more };
    },
    forget(seq) {
      const row: SqliteRow | undefined = sql(
        'DELETE FROM outcomes WHERE seq = ? RETURNING id, named, length(input) AS taken, length(output) AS given',
      ).get(seq);
      if (!row) return;
      tables.tally.outcomes -= 1;
      tables.tally.bytes -= rowBytes + Number(row.taken ?? 0) + Number(row.given ?? 0);
      if (Number(row.named) !== 1) return;
      tables.tally.names += 1;
      sql('INSERT OR IGNORE INTO forgotten (place, id) VALUES (?, ?)').run(tables.tally.names, String(row.id));
      sql('DELETE FROM forgotten WHERE place <= ?').run(tables.tally.names - keptNames);
    },
    setAside,
  };
}
