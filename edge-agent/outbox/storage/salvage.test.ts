/** Damaged rows of an outbox: each alone, without affecting the others. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { RecordedOutcome } from '@skerry/shared/tunnel/protocol.ts';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Opened } from '../../storage/durable-file.ts';
import { createOutboxClient, type OutboxClient } from '../thread/client.ts';
import type { OperationAnswer } from '../thread/operation-queue.ts';
import { outboxScript } from '../thread/script.ts';
import { createOutboxFile, type OutboxFile } from './file.ts';
import type { Answers, Operation } from './operations.ts';
import { openOutbox } from './schema.ts';

let folder: string;
let path: string;
let file: OutboxFile | undefined;
let client: OutboxClient | undefined;

const everything = { rows: 1_000, bytes: 1e9 };
const recordOf = (n: number): Operation => ({
  do: 'record',
  event: {
    id: `event-${n}`,
    named: false,
    trigger: 't',
    function: 'f',
    origin: 'mqtt',
    input: Buffer.from(`"${n}"`),
    createdAt: n,
  },
  drop: [],
  wave: 0,
});
const outcomeOf = (n: number): RecordedOutcome => ({
  id: `outcome-${n}`,
  function: 'f',
  trigger: 't',
  origin: 'mqtt',
  revision: 1,
  attempts: 1,
  createdAt: n,
  startedAt: n,
  endedAt: n,
  result: { ok: true, output: Buffer.from('1') },
});
const open = (): Opened => {
  const opened = openOutbox(path);
  file = createOutboxFile(opened.db, 2 ** 30, () => {});
  return opened;
};
const ask = <Do extends Operation['do']>(operation: Operation & { do: Do }): Answers[Do] =>
  file?.run([operation]).answers[0] as Answers[Do];
const events = () => ask({ do: 'events', trigger: 't', after: 0, limit: everything }).events;
const outcomes = () => ask({ do: 'outcomes', after: 0, limit: everything }).outcomes;
const close = () => {
  file?.close();
  file = undefined;
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skerry-salvage-'));
  path = join(folder, 'outbox.db');
  open();
  file?.run([1, 2, 3].map(recordOf));
  file?.run([4, 5, 6].map((n) => ({ do: 'end', seq: 0, named: false, outcome: outcomeOf(n) })));
  close();
});
afterEach(async () => {
  close();
  await client?.close(5_000);
  client = undefined;
  rmSync(folder, { recursive: true });
});

/** Writes values that the tables would refuse. */
const spoil = (sql: string) => {
  const schema = new DatabaseSync(path, { defensive: false });
  schema.exec("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, ' STRICT', '')");
  schema.close();
  const loose = new DatabaseSync(path, { defensive: false });
  loose.exec(sql);
  loose.exec(`
    PRAGMA writable_schema = ON;
    UPDATE sqlite_schema SET sql = sql || ' STRICT' WHERE type = 'table' AND name IN ('events', 'outcomes')
  `);
  loose.close();
};

test('an outcome whose input is no longer bytes does not spoil the others', () => {
  spoil("UPDATE outcomes SET input = '' WHERE id = 'outcome-5'");
  const { salvage } = open();
  expect(salvage?.saved).toMatchObject({ outcomes: { rows: 2, damaged: 1 }, events: { rows: 3, damaged: 0 } });
  expect(outcomes().map(({ id }) => id)).toEqual(['outcome-4', 'outcome-6']);
});

test('fields outside of the checksum are repaired: the event counts', () => {
  spoil("UPDATE events SET attempts = x'00', not_before = 'soon' WHERE id = 'event-2'");
  const { salvage } = open();
  expect(salvage?.saved).toMatchObject({ events: { rows: 3, damaged: 0 } });
  expect(events()[1]).toMatchObject({ id: 'event-2', attempts: 0, notBefore: 0 });
});

test('a number that is too large for JavaScript does not stop the reading', () => {
  const db = new DatabaseSync(path);
  db.exec("UPDATE events SET not_before = 9223372036854775807, created_at = 9223372036854775807 WHERE id = 'event-1'");
  db.exec("UPDATE events SET not_before = 9223372036854775807 WHERE id = 'event-2'");
  db.close();
  expect(open().salvage).toBeUndefined();
  expect(file?.state().events).toBe(3);
  expect(events().map(({ id }) => id)).toEqual(['event-2', 'event-3']);
  expect(file?.state()).toMatchObject({ events: 2, damaged: 1 });
});

const startClient = () => {
  const logged: Record<string, unknown>[] = [];
  client = createOutboxClient({
    script: outboxScript(),
    path,
    limitBytes: 2 ** 30,
    log: pino({ level: 'info' }, { write: (line: string) => void logged.push(JSON.parse(line)) }),
    onOpened: () => {},
    onBatch: () => {},
    isNeeded: () => true,
  });
  return logged;
};
const submit = <Asked extends Operation>(operation: Asked) =>
  new Promise<OperationAnswer<Asked>>((resolve) => client?.submit(operation, resolve));

test('an operation that SQLite refuses is answered as refused, its event set aside, and the rest is done', async () => {
  const logged = startClient();
  const bad = { ...outcomeOf(1), createdAt: Number.NaN };
  const [refused, recorded] = await Promise.all([
    submit({ do: 'end', seq: 1, named: false, outcome: bad }),
    submit(recordOf(7)),
  ]);
  expect(refused).toEqual({ done: false, failure: 'refused' });
  expect(recorded).toMatchObject({ done: true, answer: { kept: 'recorded' } });
  expect(client?.state).toMatchObject({ events: 3, outcomes: 3, damaged: 1 });
  expect(logged).toContainEqual(expect.objectContaining({ msg: 'the outbox refused an operation', operation: 'end' }));
});

test('a damaged write-ahead log is logged as an error and counted', async () => {
  // As a killed process leaves it.
  const before = join(folder, 'before.db');
  const { db } = openOutbox(before);
  const busy = createOutboxFile(db, 2 ** 30, () => {});
  for (let n = 0; n < 100; n++) busy.run([recordOf(n)]);
  for (const suffix of ['', '-wal', '-open']) copyFileSync(before + suffix, path + suffix);
  busy.close();
  const log = readFileSync(`${path}-wal`);
  const at = Math.floor(log.byteLength / 2);
  log.writeUInt8(log.readUInt8(at) ^ 4, at);
  writeFileSync(`${path}-wal`, log);

  const logged = startClient();
  await submit({ do: 'last-tick', trigger: 't' });
  expect(client?.state?.events).toBeGreaterThan(10);
  expect(client?.state?.damaged).toBeGreaterThan(10);
  const aside = `${path}.damaged-1-wal`;
  expect(logged).toContainEqual(expect.objectContaining({ level: 50, aside, frames: client?.state?.damaged }));
});
