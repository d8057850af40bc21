import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { digestOf } from '@skerry/shared/bundle.ts';
import { grantsSchema } from '@skerry/shared/manifest.ts';
import type { DesiredFunction } from '@skerry/shared/protocol.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadIdentity } from './identity.ts';
import { openStore, type Store } from './store.ts';

const bytes = new Uint8Array(1_000).map((_, index) => index % 251);
const digest = digestOf(bytes);
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
  grants: grantsSchema.parse(undefined),
};

let folder: string;
let path: string;
let store: Store;

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

  test('a file that is no store is named', () => {
    const other = join(folder, 'other.db');
    writeFileSync(other, 'this is not a database, but it is long enough to look at'.repeat(40));
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
    expect(digestOf(store.readBundle(digest) ?? new Uint8Array())).toBe(digest);
    store.deactivate(fn.id);
    expect(store.activeFunctions()).toEqual([]);
  });

  test('a bundle comes in parts, and goes on after a restart where it stopped', () => {
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

  test('what does not fit its digest is not a bundle', () => {
    store.addChunk(digest, 0, bytes.subarray(1));
    expect(store.completeBundle(digest)).toBe(false);
    expect(store.hasBundle(digest)).toBe(false);
    expect(store.receivedBytes(digest)).toBe(0);
  });

  test('a bundle that was damaged on disk is found out and dropped', () => {
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

  test('what nobody names is removed', () => {
    store.addChunk(digest, 0, bytes);
    store.completeBundle(digest);
    store.addChunk('a'.repeat(64), 0, bytes);
    expect(store.keepOnly(new Set([digest]))).toEqual([]);
    expect(store.receivedBytes('a'.repeat(64))).toBe(0);
    expect(store.keepOnly(new Set())).toEqual([digest]);
    expect(store.hasBundle(digest)).toBe(false);
  });
});
