/** Files that are damaged in every way a device can damage them. */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Opened } from '../../storage/durable-file.ts';
import { createOutboxFile } from './file.ts';
import type { KeptEvent } from './operations.ts';
import { openOutbox } from './schema.ts';

const events = 2_000;
let folder: string;
let path: string;
let db: DatabaseSync | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skerry-damage-'));
  path = join(folder, 'outbox.db');
  const opened = openOutbox(path);
  const file = createOutboxFile(opened.db, 2 ** 30, () => {});
  file.run(
    Array.from({ length: events }, (_, n) => ({
      do: 'record',
      drop: [],
      wave: 0,
      event: {
        id: `event-${n}`,
        named: false,
        trigger: 't',
        function: 'f',
        origin: 'mqtt',
        input: Buffer.alloc(300, n),
        createdAt: n,
        tick: n,
      },
    })),
  );
  file.close();
});
afterEach(() => {
  if (db?.isOpen) db.close();
  rmSync(folder, { recursive: true });
});

const aside = () => readdirSync(folder).filter((name) => /\.damaged-\d+$/.test(name));
const reopen = (): Opened => {
  if (db?.isOpen) db.close();
  const opened = openOutbox(path);
  db = opened.db;
  return opened;
};
const left = (): readonly KeptEvent[] => {
  const file = createOutboxFile(db as DatabaseSync, 2 ** 30, () => {});
  const limit = { rows: 1e9, bytes: 1e9 };
  const read = file.run([{ do: 'events', trigger: 't', after: 0, limit }]).answers[0];
  return (read as { events: readonly KeptEvent[] }).events;
};
const flip = (at: number, length: number) => {
  const handle = openSync(path, 'r+');
  writeSync(handle, Buffer.alloc(length, 0xa5), 0, length, at);
};
const size = () => readFileSync(path).byteLength;

test('an undamaged file is opened as it is', () => {
  expect(reopen().salvage).toBeUndefined();
  expect(left()).toHaveLength(events);
  expect(aside()).toEqual([]);
});

describe('a damaged file is moved aside, and readable rows are in a new one', () => {
  test('truncated in the middle', () => {
    truncateSync(path, Math.floor(size() / 2 / 4_096) * 4_096);
    const { salvage } = reopen();
    expect(salvage?.damage).toBeTruthy();
    expect(aside()).toHaveLength(1);
    const ids = left().map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(events / 4);
    expect(ids[0]).toBe('event-0');
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('with bytes flipped in its pages: the rest is saved, and no row that is not what it was', () => {
    for (let at = 20 * 4_096; at < size() - 4_096; at += 20 * 4_096) flip(at, 64);
    const { salvage } = reopen();
    expect(salvage?.saved).toMatchObject({ events: { whole: false } });
    const rows = left();
    expect(rows.length).toBeGreaterThan(events / 2);
    for (const { id, input, createdAt } of rows) {
      expect(id).toBe(`event-${createdAt}`);
      expect(Buffer.from(input).equals(Buffer.alloc(300, createdAt))).toBe(true);
    }
  });

  test('that is no database: nothing can be saved, and it is reported', () => {
    writeFileSync(path, 'this is no database at all. '.repeat(1_000));
    expect(reopen().salvage).toMatchObject({ damage: expect.stringContaining('not a database') });
    expect(left()).toEqual([]);
    expect(aside()).toHaveLength(1);
  });

  test('that is empty, as after a power cut on a bad disk', () => {
    writeFileSync(path, '');
    expect(reopen().salvage?.damage).toBe('the file is empty');
    expect(left()).toEqual([]);
  });

  test('at most two of them are kept', () => {
    for (const _ of [1, 2, 3]) {
      if (db?.isOpen) db.close();
      writeFileSync(path, 'no database');
      reopen();
    }
    expect(aside()).toEqual(['outbox.db.damaged-2', 'outbox.db.damaged-3']);
  });
});

test('a process that ends during the repair loses nothing: the successor takes over the next time', () => {
  // The successor is complete, and the damaged file has just lost its name.
  copyFileSync(path, `${path}.next`);
  renameSync(path, `${path}.damaged-1`);
  expect(reopen().salvage).toBeUndefined();
  expect(left()).toHaveLength(events);
  // The same, a moment earlier.
  db?.close();
  copyFileSync(path, `${path}.next`);
  writeFileSync(path, 'damaged');
  reopen();
  expect(left()).toHaveLength(events);
  expect(existsSync(`${path}.next`)).toBe(false);
});
