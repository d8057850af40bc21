import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { RecordedOutcome } from '@skerry/shared/tunnel/protocol.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createOutboxFile, type OutboxFile } from './file.ts';
import type { Answers, Operation, RecordOperation, Report } from './operations.ts';
import { openOutbox } from './schema.ts';

let folder: string;
let path: string;
let db: DatabaseSync;
let file: OutboxFile;
let reports: Report[];
let wave = 0;

const open = (limitBytes = 1024 * 1024) => {
  ({ db } = openOutbox(path));
  file = createOutboxFile(db, limitBytes, (report) => reports.push(report));
};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skerry-outbox-'));
  path = join(folder, 'outbox.db');
  reports = [];
  open();
});
afterEach(() => {
  if (db.isOpen) db.close();
  rmSync(folder, { recursive: true });
});
const reopen = () => {
  file.close();
  open();
};

const bytes = (text: string) => Buffer.from(text);
const recordOf = (id: string, more: Partial<RecordOperation['event']> = {}): RecordOperation => {
  const from = { trigger: 't', function: 'f', origin: 'mqtt', createdAt: 1_000 } as const;
  return {
    do: 'record',
    event: { id, named: false, ...from, input: bytes(`"${id}"`), ...more },
    drop: [],
    wave: nextWave(),
  };
};
const nextWave = () => {
  wave += 1;
  return wave;
};
const outcomeOf = (id: string, more: Partial<RecordedOutcome> = {}): RecordedOutcome => ({
  id,
  function: 'f',
  trigger: 't',
  origin: 'mqtt',
  revision: 1,
  attempts: 1,
  createdAt: 1_000,
  startedAt: 2_000,
  endedAt: 3_000,
  result: { ok: true, output: bytes(`{"done":"${id}"}`) },
  ...more,
});

function one<Do extends Operation['do']>(operation: Operation & { do: Do }): Answers[Do] {
  return file.run([operation]).answers[0] as Answers[Do];
}
const everything = { rows: 1_000, bytes: 1_000_000 };
const waiting = (trigger = 't') => one({ do: 'events', trigger, after: 0, limit: everything }).events;
const kept = () => one({ do: 'outcomes', after: 0, limit: everything }).outcomes;
const keepOnly = (functions: string[], triggers: string[]) =>
  ({ do: 'keep-only', functions, triggers, except: [], after: 0, limit: everything, now: 9_000 }) as const;
/** Records, and returns the number. */
const record = (id: string, more: Parameters<typeof recordOf>[1] = {}) => one(recordOf(id, more)).seq;
const end = (seq: number, id: string, named = false) => one({ do: 'end', seq, named, outcome: outcomeOf(id) });

describe('events', () => {
  test('are there after a restart, oldest first, with all their fields', () => {
    for (const id of ['a', 'b', 'c']) record(id);
    reopen();
    expect(waiting().map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(waiting()[0]).toMatchObject({ trigger: 't', function: 'f', origin: 'mqtt', createdAt: 1_000, attempts: 0 });
    expect(Buffer.from(waiting()[0]?.input ?? []).toString()).toBe('"a"');
    expect(file.pending()).toEqual([{ trigger: 't', function: 'f', events: 3 }]);
    expect(file.state()).toMatchObject({ events: 3, outcomes: 0, oldest: 1_000 });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('have an age while they, or their outcomes, are in the file, and no longer', () => {
    const seq = record('a');
    expect(file.state().oldest).toBe(1_000);
    end(seq, 'a');
    expect(file.state().oldest).toBe(1_000);
    one({ do: 'forget', seqs: kept().map((outcome) => outcome.seq) });
    expect(file.state()).toMatchObject({ events: 0, outcomes: 0, oldest: undefined });
  });

  test('become outcomes, which are forgotten when they are delivered', () => {
    const seq = record('a');
    one({ do: 'failed', seq, attempts: 2, notBefore: 5_000 });
    reopen();
    expect(waiting()[0]).toMatchObject({ attempts: 2, notBefore: 5_000 });
    end(seq, 'a');
    reopen();
    expect(waiting()).toEqual([]);
    expect(kept()).toEqual([
      { ...outcomeOf('a'), seq: expect.any(Number), result: expect.objectContaining({ ok: true }) },
    ]);
    one({ do: 'forget', seqs: kept().map((outcome) => outcome.seq) });
    expect(kept()).toEqual([]);
    expect(file.state()).toMatchObject({ events: 0, outcomes: 0, bytes: 0 });
  });

  test('that have a name are known while they wait, after they ended, and after delivery', () => {
    const again = () => one(recordOf('n', { named: true })).kept;
    const seq = record('n', { named: true });
    expect(again()).toBe('known');
    end(seq, 'n', true);
    expect(again()).toBe('known');
    one({ do: 'forget', seqs: kept().map((outcome) => outcome.seq) });
    reopen();
    expect(again()).toBe('known');
    expect(file.state().events).toBe(0);
    const together = file.run([recordOf('m', { named: true }), recordOf('m', { named: true })]).answers;
    expect(together).toMatchObject([{ kept: 'recorded' }, { kept: 'known' }]);
  });

  test('that are invalid become outcomes at once', () => {
    expect(one(recordOf('x', { invalid: 'not JSON' })).kept).toBe('recorded');
    expect(waiting()).toEqual([]);
    expect(kept()[0]?.result).toEqual({ ok: false, code: 'event_invalid', message: 'not JSON' });
    expect(Buffer.from(kept()[0]?.input ?? []).toString()).toBe('"x"');
  });

  test('of a removed function become dead letters with their input, a few at a time, except running ones', () => {
    record('a');
    const seqs = ['b', 'c', 'd', 'e'].map((id) => record(id, { function: 'g', trigger: 'u' }));
    const except = [seqs[0] ?? 0];
    const first = one({ ...keepOnly(['f'], []), except, limit: { rows: 2, bytes: 1_000 } });
    expect(first).toEqual({ ended: { u: 2 }, damaged: {}, after: seqs[2], more: true });
    expect(one({ ...keepOnly(['f'], []), except, after: first.after })).toMatchObject({ ended: { u: 1 }, more: false });
    expect(file.pending()).toEqual([
      { trigger: 't', function: 'f', events: 1 },
      { trigger: 'u', function: 'g', events: 1 },
    ]);
    expect(kept().map(({ id }) => id)).toEqual(['c', 'd', 'e']);
    expect(kept()[0]).toMatchObject({ endedAt: 9_000, attempts: 0, result: { code: 'code_unavailable' } });
    expect(Buffer.from(kept()[0]?.input ?? []).toString()).toBe('"c"');
  });

  test('report at their end whether they existed', () => {
    const seq = record('a');
    expect(end(seq, 'a')).toBe(true);
    expect(end(seq, 'again')).toBe(false);
    expect(kept().map(({ id }) => id)).toEqual(['a', 'again']);
  });

  test('get numbers that were not used before, even when the file is empty again', () => {
    const seq = record('a');
    end(seq, 'a');
    one({ do: 'forget', seqs: kept().map((outcome) => outcome.seq) });
    const { lastSeq } = file.state();
    file.close();
    ({ db } = openOutbox(path));
    file = createOutboxFile(db, 1024 * 1024, (report) => reports.push(report), 0, lastSeq);
    expect(record('b')).toBeGreaterThan(lastSeq);
  });

  test('are read in pages', () => {
    for (let n = 0; n < 5; n++) record(`e${n}`);
    const first = one({ do: 'events', trigger: 't', after: 0, limit: { rows: 2, bytes: 1_000 } });
    expect(first.events.map(({ id }) => id)).toEqual(['e0', 'e1']);
    expect(first.more).toBe(true);
    const rest = one({ do: 'events', trigger: 't', after: first.events[1]?.seq ?? 0, limit: everything });
    expect(rest.events.map(({ id }) => id)).toEqual(['e2', 'e3', 'e4']);
    expect(rest.more).toBe(false);
    expect(one({ do: 'events', trigger: 't', after: 0, limit: { rows: 9, bytes: 1 } }).events).toHaveLength(1);
  });
});

test('an event with a tick sets it together with itself, and ticks of removed triggers are deleted', () => {
  record('a', { tick: 60_000, origin: 'schedule' });
  one({ do: 'set-last-tick', trigger: 'u', moment: 5 });
  reopen();
  expect(one({ do: 'last-tick', trigger: 't' })).toBe(60_000);
  expect(one({ do: 'last-tick', trigger: 'never' })).toBeUndefined();
  one(keepOnly(['f'], ['t']));
  expect(one({ do: 'last-tick', trigger: 'u' })).toBeUndefined();
});

describe('without room', () => {
  test('an event is refused at three quarters of the limit, and its outcome finds room', () => {
    const input = Buffer.alloc(100_000, 32);
    const seqs: number[] = [];
    for (;;) {
      const { kept: answer, seq } = one(recordOf(`e${seqs.length}`, { input }));
      if (answer === 'full') break;
      seqs.push(seq);
    }
    expect(seqs).toHaveLength(7);
    end(seqs[0] ?? 0, 'e0');
    expect(file.state()).toMatchObject({ events: 6, outcomes: 1 });
    expect(one(recordOf('next', { input })).kept).toBe('recorded');
  });

  test('named events are dropped, or the oldest after one', () => {
    const [a = 0, b = 0, c = 0] = ['a', 'b', 'c'].map((id) => record(id));
    expect(one({ ...recordOf('d'), drop: [b] })).toMatchObject({ kept: 'recorded', dropped: [b] });
    expect(one({ ...recordOf('e'), dropAfter: a })).toMatchObject({ kept: 'recorded', dropped: [c] });
    expect(waiting().map(({ id }) => id)).toEqual(['a', 'd', 'e']);
  });

  test('as many events as needed are dropped, and none when it does not help', () => {
    const [a = 0] = ['a', 'b', 'c'].map((id) => record(id, { input: Buffer.alloc(200_000, 32) }));
    record('other', { trigger: 'u', input: Buffer.alloc(100_000, 32) });
    const large = (size: number) => recordOf('large', { input: Buffer.alloc(size, 32) });
    expect(one({ ...large(750_000), drop: [a], dropAfter: a })).toEqual({ kept: 'full', seq: 0, dropped: [] });
    expect(waiting()).toHaveLength(3);
    expect(one({ ...large(300_000), drop: [a], dropAfter: a }).dropped).toHaveLength(2);
    expect(waiting().map(({ id }) => id)).toEqual(['c', 'large']);
  });

  test('no event of a wave overtakes a refused one', () => {
    const large = { ...recordOf('large', { input: Buffer.alloc(900_000, 32) }), wave: 7_777 };
    const small = { ...recordOf('small'), wave: 7_777 };
    const other = { ...recordOf('other', { trigger: 'u' }), wave: 7_777 };
    const answers = file.run([recordOf('before'), large, small, other]).answers as Answers['record'][];
    expect(answers.map(({ kept: answer }) => answer)).toEqual(['recorded', 'full', 'full', 'recorded']);
    expect(one({ ...small, wave: 7_778 }).kept).toBe('recorded');
  });

  test('on a full disk nothing of the batch counts, and the next one succeeds', () => {
    record('a');
    const pages = Number(db.prepare('PRAGMA page_count').get()?.page_count);
    db.exec(`PRAGMA max_page_count = ${pages + 5}`);
    const large = recordOf('large', { input: Buffer.alloc(200_000) });
    expect(() => file.run([recordOf('b'), large])).toThrow(/full/);
    expect(file.state()).toMatchObject({ events: 1 });
    expect(one(recordOf('c')).kept).toBe('recorded');
    expect(waiting().map(({ id }) => id)).toEqual(['a', 'c']);
  });
});

describe('a damaged row', () => {
  const spoil = (table: string, column: string, seq: number) =>
    db.prepare(`UPDATE ${table} SET ${column} = ? WHERE seq = ?`).run(bytes('spoilt'), seq);

  test('of an event is set aside and reported, and the others go on', () => {
    const [a = 0] = ['a', 'b'].map((id) => record(id));
    spoil('events', 'input', a);
    const read = one({ do: 'events', trigger: 't', after: 0, limit: everything });
    expect(read).toMatchObject({ events: [{ id: 'b' }], more: false, damaged: 1 });
    expect(file.state()).toMatchObject({ events: 1, damaged: 1 });
    expect(reports).toMatchObject([{ level: 'error', fields: { invocation: 'a' } }]);
    expect(db.prepare('SELECT id FROM damaged').all()).toEqual([{ id: 'a' }]);
  });

  test('of an outcome likewise', () => {
    for (const id of ['a', 'b']) end(record(id), id);
    const [first] = kept();
    spoil('outcomes', 'output', first?.seq ?? 0);
    expect(kept().map(({ id }) => id)).toEqual(['b']);
    expect(file.state()).toMatchObject({ outcomes: 1, damaged: 1 });
  });

  test('of an outcome does not stop the reading', () => {
    for (const id of ['a', 'b', 'c']) end(record(id), id);
    const seqs = kept().map(({ seq }) => seq);
    for (const seq of seqs.slice(0, 2)) spoil('outcomes', 'output', seq);
    const read = (after: number) => one({ do: 'outcomes', after, limit: { rows: 2, bytes: 1_000 } });
    expect(read(0)).toEqual({ outcomes: [], after: seqs[1], more: true });
    expect(read(seqs[1] ?? 0)).toMatchObject({ outcomes: [{ id: 'c' }], after: seqs[2], more: false });
    expect(read(seqs[2] ?? 0)).toEqual({ outcomes: [], after: seqs[2], more: false });
  });
});

test('free space returns to the file system', () => {
  db.close();
  open(64 * 1024 * 1024);
  const seqs = Array.from({ length: 100 }, (_, n) => record(`e${n}`, { input: Buffer.alloc(100_000) }));
  const full = Number(db.prepare('PRAGMA page_count').get()?.page_count);
  for (const seq of seqs) end(seq, `e${seq}`);
  one({ do: 'forget', seqs: kept().map(({ seq }) => seq) });
  for (let n = 0; n < 20; n++) file.tidy();
  expect(Number(db.prepare('PRAGMA page_count').get()?.page_count)).toBeLessThan(full * 0.6);
});
