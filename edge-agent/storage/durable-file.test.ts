/** A file and its write-ahead log on a bad disk, with a table of numbers in it. */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { closeDurable, type DurableFile, type Opened, openDurable } from './durable-file.ts';
import { readRows } from './salvage-rows.ts';

const numbers: DurableFile = {
  schema: `
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS numbers (n INTEGER PRIMARY KEY, content TEXT NOT NULL) STRICT;
  `,
  check: (db) => {
    const found = db.prepare('PRAGMA quick_check(1)').get()?.quick_check;
    return found === 'ok' ? undefined : String(found);
  },
  copy(from, to) {
    const insert = to.prepare('INSERT OR IGNORE INTO numbers VALUES (?, ?)');
    let rows = 0;
    readRows(from, 'numbers', ({ n, content }) => {
      rows += Number(insert.run(n ?? null, content ?? null).changes);
    });
    return { rows };
  },
};

let folder: string;
let path: string;
let opened: Opened | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skerry-durable-'));
  path = join(folder, 'numbers.db');
});
afterEach(() => {
  if (opened?.db.isOpen) opened.db.close();
  rmSync(folder, { recursive: true });
});

const open = (how = numbers): Opened => {
  opened = openDurable(path, how);
  return opened;
};
const add = (db: DatabaseSync, from: number, to: number) => {
  const insert = db.prepare('INSERT INTO numbers VALUES (?, ?)');
  for (let n = from; n < to; n++) insert.run(n, String(n).repeat(100));
};
const count = ({ db }: Opened) => Number(db.prepare('SELECT count(*) AS n FROM numbers').get()?.n);
const asides = () => readdirSync(folder).filter((name) => name.includes('.damaged-'));
const walOf = (at: string) => `${at}-wal`;

/** Makes the state that a killed process leaves, with this many commits in the log. */
const leaveOpen = (commits: number) => {
  const before = join(folder, 'before.db');
  const { db } = openDurable(before, numbers);
  add(db, 0, commits);
  for (const suffix of ['', '-wal', '-open']) copyFileSync(before + suffix, path + suffix);
  db.close();
};

describe('the write-ahead log', () => {
  test('of a killed process is used without a report', () => {
    leaveOpen(50);
    expect(count(open())).toBe(50);
    expect(opened).toMatchObject({ lostWrites: undefined });
    expect(opened?.salvage).toBeUndefined();
    expect(asides()).toEqual([]);
  });

  test('with a bit flipped in its middle: what cannot be used is counted, and a copy put aside', () => {
    leaveOpen(50);
    const log = readFileSync(walOf(path));
    const at = Math.floor(log.byteLength / 2);
    log.writeUInt8(log.readUInt8(at) ^ 4, at);
    writeFileSync(walOf(path), log);
    const { lostWrites } = open();
    expect(lostWrites).toMatchObject({ damage: 'the write-ahead log is damaged before its end' });
    expect(lostWrites?.frames).toBeGreaterThan(10);
    expect(lostWrites?.aside).toBe(`${path}.damaged-1-wal`);
    expect(readFileSync(`${path}.damaged-1-wal`).equals(log)).toBe(true);
    expect(statSync(`${path}.damaged-1-wal`).mode & 0o777).toBe(0o600);
    expect(count(opened as Opened)).toBeLessThan(50);
    // Reported once.
    closeDurable((opened as Opened).db);
    expect(open().lostWrites).toBeUndefined();
  });

  test('with a damaged header says so', () => {
    leaveOpen(50);
    const log = readFileSync(walOf(path));
    log.writeUInt8(log.readUInt8(9) ^ 1, 9);
    writeFileSync(walOf(path), log);
    expect(open().lostWrites).toMatchObject({ damage: 'the header of the write-ahead log is damaged' });
  });

  test('cut within its last commit, as by a power cut, is no damage', () => {
    leaveOpen(50);
    truncateSync(walOf(path), statSync(walOf(path)).size - 100);
    expect(open().lostWrites).toBeUndefined();
    expect(count(opened as Opened)).toBe(49);
  });

  test('that was restarted has frames of the log before it, which is no damage', () => {
    const before = join(folder, 'before.db');
    const { db } = openDurable(before, numbers);
    add(db, 0, 200);
    db.exec('PRAGMA wal_checkpoint(FULL)');
    add(db, 200, 203);
    for (const suffix of ['', '-wal', '-open']) copyFileSync(before + suffix, path + suffix);
    db.close();
    expect(open().lostWrites).toBeUndefined();
    expect(count(opened as Opened)).toBe(203);
  });

  test.each(['gone', 'empty'])('that is %s without the file having been closed: it is reported', (how) => {
    leaveOpen(50);
    if (how === 'gone') rmSync(walOf(path));
    else truncateSync(walOf(path), 0);
    expect(open().lostWrites).toMatchObject({ damage: 'the file was not closed, and its write-ahead log is gone' });
    closeDurable((opened as Opened).db);
    expect(existsSync(`${path}-open`)).toBe(false);
    expect(open().lostWrites).toBeUndefined();
  });

  test('of a file without writes since it was opened is not reported as missing', () => {
    leaveOpen(0);
    expect(statSync(walOf(path)).size).toBeGreaterThan(0);
    expect(open().lostWrites).toBeUndefined();
  });
});

describe('quarantined files', () => {
  test('are numbered after the existing ones, with any clock', () => {
    closeDurable(open().db);
    for (const name of ['damaged-5', 'damaged-1790000000000', 'damaged-1790000200000']) {
      writeFileSync(`${path}.${name}`, '');
    }
    writeFileSync(path, 'no database');
    const { salvage } = open();
    expect(salvage?.aside).toBe(`${path}.damaged-1790000200001`);
    expect(existsSync(String(salvage?.aside))).toBe(true);
    expect(asides()).toHaveLength(2);
  });

  test('a write-ahead log whose file did not follow it, because the process ended, is removed in its turn', () => {
    closeDurable(open().db);
    writeFileSync(`${path}.damaged-1-wal`, '');
    for (const _ of [2, 3]) {
      writeFileSync(path, 'no database');
      closeDurable(open().db);
    }
    expect(asides()).toEqual(['numbers.db.damaged-2', 'numbers.db.damaged-3']);
  });
});

test('cut short: rows before the cut are found, also when neither end can be read', () => {
  const { db } = open();
  // Rows in an order that spreads neighbours over the file.
  const insert = db.prepare('INSERT INTO numbers VALUES (?, ?)');
  db.exec('BEGIN');
  for (let n = 0; n < 2_000; n++) insert.run((n * 777) % 2_000, 'x'.repeat(300));
  db.exec('COMMIT');
  closeDurable(db);
  truncateSync(path, Math.floor(statSync(path).size / 2 / 4_096) * 4_096);
  const looked = new Set<number>();
  {
    const copy = join(folder, 'copy.db');
    copyFileSync(path, copy);
    const source = new DatabaseSync(copy, { readOnly: true, defensive: false });
    source.exec('PRAGMA writable_schema = ON');
    const statement = source.prepare('SELECT n FROM numbers WHERE n = ?');
    for (let n = 0; n < 2_000; n++) {
      try {
        if (statement.get(n)) looked.add(n);
      } catch {
        // in a page that is gone
      }
    }
    source.close();
  }
  const { salvage } = open();
  expect(looked.size).toBeGreaterThan(500);
  expect(salvage?.saved.rows).toBe(looked.size);
});

test('without room for the copy nothing is replaced', () => {
  closeDurable(open().db);
  const broken = readFileSync(path);
  broken.fill(0xa5, 4_096);
  writeFileSync(path, broken);
  const full = Object.assign(new Error('database or disk is full'), { errcode: 13 });
  const copy = () => {
    throw full;
  };
  expect(() => open({ ...numbers, copy })).toThrow(full);
  expect(readFileSync(path).equals(broken)).toBe(true);
  expect(open().salvage).toBeDefined();
});

test('a failed read is tried again, and counts as damage the second time', () => {
  closeDurable(open().db);
  const faults = (times: number): DurableFile => {
    let left = times;
    return {
      ...numbers,
      check() {
        left -= 1;
        if (left < 0) return undefined;
        throw Object.assign(new Error('disk I/O error'), { errcode: 266 });
      },
    };
  };
  expect(open(faults(1)).salvage).toBeUndefined();
  closeDurable((opened as Opened).db);
  expect(open(faults(2)).salvage).toMatchObject({ damage: 'disk I/O error' });
});
