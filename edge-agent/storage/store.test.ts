import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { computeDigest } from '@skerry/shared/function/bundle.ts';
import { grantsSchema } from '@skerry/shared/function/manifest.ts';
import type { DesiredFunction } from '@skerry/shared/tunnel/protocol.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { keyFaults, tellDamage } from './damage-messages.ts';
import { loadIdentity } from './identity.ts';
import { type AgentStore, openStore } from './store.ts';
import { generationKey, openStoreFile, type StoreDamage } from './store-file.ts';

const bytes = new Uint8Array(1_000).map((_, index) => index % 251);
const digest = computeDigest(bytes);
const fn: DesiredFunction = {
  id: 'f1',
  module: '_',
  name: 'hello',
  revision: 1,
  bundle: digest,
  limits: { memory_bytes: 1 << 20, timeout_ms: 1_000, input_bytes: 10, output_bytes: 10 },
  env: { A: '1' },
  args: ['x'],
  instance: 'fresh',
  retry: { attempts: 3, base_ms: 1_000, cap_ms: 60_000 },
  grants: grantsSchema.parse(undefined),
};

let folder: string;
let path: string;
let store: AgentStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skerry-store-'));
  path = join(folder, 'sub', 'agent.db');
  store = openStore(path);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

const reopen = () => {
  store.close();
  store = openStore(path);
};

describe('store', () => {
  test('is readable by its owner only, in all of its files', () => {
    store.setMeta('a', bytes);
    for (const suffix of ['', '-wal']) expect(statSync(path + suffix).mode & 0o777).toBe(0o600);
  });

  test('is one process at a time', () => {
    expect(() => openStore(path)).toThrowError(/another agent is running on it/);
  });

  test('a file that cannot be opened is named', () => {
    const other = join(folder, 'other.db');
    mkdirSync(other);
    expect(() => openStore(other)).toThrowError(/cannot open .*other\.db/);
  });

  test('keeps key, functions and bundles through a restart', () => {
    const identity = loadIdentity(store);
    store.addChunk(digest, 0, bytes);
    expect(store.completeBundle(digest)).toBe(true);
    store.activate(fn);
    reopen();
    expect(loadIdentity(store).publicKey).toEqual(identity.publicKey);
    expect(store.activeFunctions()).toEqual([fn]);
    expect(computeDigest(store.readBundle(digest) ?? new Uint8Array())).toBe(digest);
    store.deactivate(fn.id);
    expect(store.activeFunctions()).toEqual([]);
  });

  test('a bundle comes in parts, and continues after a restart where it stopped', () => {
    store.addChunk(digest, 0, bytes.subarray(0, 400));
    reopen();
    expect(store.receivedBytes(digest)).toBe(400);
    store.addChunk(digest, 600, bytes.subarray(600)); // a gap: dropped
    expect(store.receivedBytes(digest)).toBe(400);
    store.addChunk(digest, 400, bytes.subarray(400));
    expect(store.completeBundle(digest)).toBe(true);
    expect(store.hasBundle(digest)).toBe(true);
    expect(store.receivedBytes(digest)).toBe(0);
  });

  test('bytes that do not match their digest are not a bundle', () => {
    store.addChunk(digest, 0, bytes.subarray(1));
    expect(store.completeBundle(digest)).toBe(false);
    expect(store.hasBundle(digest)).toBe(false);
    expect(store.receivedBytes(digest)).toBe(0);
  });

  test('a bundle that was damaged on disk is detected and dropped', () => {
    store.addChunk(digest, 0, bytes);
    store.completeBundle(digest);
    store.close();
    const db = new DatabaseSync(path);
    db.prepare('UPDATE bundles SET bytes = ?').run(bytes.subarray(1));
    db.close();
    store = openStore(path);
    expect(store.readBundle(digest)).toBeUndefined();
    expect(store.hasBundle(digest)).toBe(false);
  });

  test('unreferenced bundles are removed', () => {
    store.addChunk(digest, 0, bytes);
    store.completeBundle(digest);
    store.addChunk('a'.repeat(64), 0, bytes);
    expect(store.keepOnly(new Set([digest]))).toEqual([]);
    expect(store.receivedBytes('a'.repeat(64))).toBe(0);
    expect(store.keepOnly(new Set())).toEqual([digest]);
    expect(store.hasBundle(digest)).toBe(false);
  });
});

describe('a damaged file', () => {
  let salvages: StoreDamage[];
  beforeEach(() => {
    salvages = [];
    store.addChunk(digest, 0, bytes);
    store.completeBundle(digest);
    store.activate(fn);
  });
  const reopenDamaged = () => {
    store = openStore(path, (salvage) => void salvages.push(salvage));
  };
  /** Overwrites part of the file where this text is found. */
  const overwrite = (needle: Uint8Array | string) => {
    const content = readFileSync(path);
    const at = content.indexOf(needle);
    expect(at).toBeGreaterThan(0);
    content.fill(0xa5, Math.floor(at / 4_096) * 4_096, Math.floor(at / 4_096 + 1) * 4_096);
    writeFileSync(path, content);
  };

  test('in the page of its functions: the key and the bundles are saved', () => {
    const { publicKey } = loadIdentity(store);
    store.close();
    overwrite('"name":"hello"');
    reopenDamaged();
    expect(salvages).toMatchObject([{ saved: { key: true, functions: 0, bundles: 1 } }]);
    expect(loadIdentity(store).publicKey).toEqual(publicKey);
    expect(store.activeFunctions()).toEqual([]);
    expect(computeDigest(store.readBundle(digest) ?? new Uint8Array())).toBe(digest);
  });

  test('cut short: rows before the cut are saved, functions also without their code, but not the generation', () => {
    loadIdentity(store);
    const large = randomBytes(400_000);
    store.addChunk(computeDigest(large), 0, large);
    store.completeBundle(computeDigest(large));
    const without = { ...fn, id: 'f2', bundle: computeDigest(large) };
    store.activate(without);
    store.setMeta(generationKey, Buffer.from('7'));
    store.close();
    truncateSync(path, Math.floor(statSync(path).size / 2 / 4_096) * 4_096);
    reopenDamaged();
    // The reconciler sees that a function without a bundle is not in effect (reconcile.test.ts).
    expect(salvages).toMatchObject([{ saved: { key: true, functions: 2 } }]);
    expect(store.activeFunctions()).toEqual([fn, without]);
    expect(store.hasBundle(computeDigest(large))).toBe(false);
    expect(store.getMeta(generationKey)).toBeUndefined();
  });

  test('beyond repair: the report says that the key is lost, and the steps to take', () => {
    store.close();
    writeFileSync(path, 'no database at all '.repeat(1_000));
    reopenDamaged();
    const told: unknown[] = [];
    const log = { error: (...line: unknown[]) => void told.push(...line) };
    for (const salvage of salvages) tellDamage(salvage, log);
    expect(told).toContainEqual(expect.stringContaining('was damaged'));
    loadIdentity(store, undefined, (fault) => log.error(keyFaults[fault]));
    expect(told).toContain(keyFaults.lost);
    expect(store.activeFunctions()).toEqual([]);
  });

  test('found during an operation: the operation continues with the saved rows', () => {
    loadIdentity(store);
    const large = randomBytes(400_000);
    store.addChunk(computeDigest(large), 0, large);
    store.completeBundle(computeDigest(large));
    store.close();
    // In the middle of the bundle: the chain of its pages is broken, which is not checked at the start.
    overwrite(large.subarray(200_000, 200_050));
    reopenDamaged();
    expect(salvages).toEqual([]);
    expect(store.readBundle(computeDigest(large))).toBeUndefined();
    expect(store.activeFunctions()).toEqual([fn]);
    expect(store.hasBundle(digest)).toBe(true);
    expect(store.hasBundle(computeDigest(large))).toBe(false);
  });

  test('a record that does not parse stops no other, and an invalid key is replaced', () => {
    store.setMeta('identity', Buffer.from('no key'));
    store.close();
    const db = new DatabaseSync(path);
    db.exec("INSERT INTO functions VALUES ('f2', '{ spoilt')");
    db.close();
    reopenDamaged();
    expect(store.activeFunctions()).toEqual([fn]);
    const onLost = vi.fn();
    expect(loadIdentity(store, undefined, onLost).publicKey).toHaveLength(32);
    expect(onLost.mock.calls).toEqual([['lost']]);
  });

  test('found within a transaction: all of it is repeated on the saved rows', () => {
    const large = randomBytes(400_000);
    store.addChunk(computeDigest(large), 0, large);
    store.completeBundle(computeDigest(large));
    store.close();
    overwrite(large.subarray(200_000, 200_050));
    reopenDamaged();
    // Removing the bundle follows the chain of its pages.
    expect(store.keepOnly(new Set([digest]))).toEqual([]);
    expect(salvages).toMatchObject([{ saved: { bundles: 1 } }]);
    expect(store.hasBundle(digest)).toBe(true);
  });

  test('a row that the new file refuses is counted, and the others are saved', () => {
    loadIdentity(store);
    store.close();
    const db = new DatabaseSync(path, { defensive: false });
    db.exec("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'STRICT', '')");
    db.close();
    const loose = new DatabaseSync(path);
    loose.exec("UPDATE meta SET value = 7 WHERE key = 'identity'; INSERT INTO functions VALUES ('', '{}')");
    loose.close();
    overwrite('"name":"hello"');
    reopenDamaged();
    expect(salvages).toMatchObject([{ saved: { key: false, bundles: 1, damaged: 1 } }]);
    const onFault = vi.fn();
    loadIdentity(store, undefined, onFault);
    expect(onFault.mock.calls).toEqual([['lost']]);
  });

  test.each([
    [1, []],
    [2, [{ damage: 'disk I/O error' }]],
  ])(
    'a disk that fails to read %i times in a row: the first failure is tried again, the second is damage',
    (times, told) => {
      store.close();
      const file = openStoreFile(path, (damage) => void salvages.push(damage));
      let left = times;
      const work = () => {
        left -= 1;
        if (left >= 0) throw Object.assign(new Error('disk I/O error'), { errcode: 522 });
        return 'done';
      };
      // A nested operation leaves it to the outermost.
      expect(file.use(() => file.use(work))).toBe('done');
      expect(salvages).toMatchObject(told);
      file.close();
      reopenDamaged();
      expect(store.activeFunctions()).toEqual([fn]);
    },
  );

  test('a file that cannot be replaced now is replaced at the next use', () => {
    const large = randomBytes(400_000);
    store.addChunk(computeDigest(large), 0, large);
    store.completeBundle(computeDigest(large));
    store.close();
    overwrite(large.subarray(200_000, 200_050));
    reopenDamaged();
    // The name of the copy cannot be created.
    mkdirSync(`${path}.partial`);
    expect(() => store.readBundle(computeDigest(large))).toThrowError(
      expect.objectContaining({ code: 'store_unavailable' }),
    );
    rmSync(`${path}.partial`, { recursive: true });
    expect(store.activeFunctions()).toEqual([fn]);
    expect(salvages).toHaveLength(1);
  });
});
