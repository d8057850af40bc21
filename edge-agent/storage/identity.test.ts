import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type IdentityFault, loadIdentity } from './identity.ts';
import { createIdentityCopy } from './identity-copy.ts';
import { type AgentStore, openStore } from './store.ts';

let folder: string;
let path: string;
let store: AgentStore;
let faults: IdentityFault[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skerry-identity-'));
  path = join(folder, 'identity');
  store = openStore(':memory:');
  faults = [];
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

const load = () => {
  const { publicKey } = loadIdentity(store, createIdentityCopy(path), (fault) => faults.push(fault));
  return Buffer.from(publicKey).toString('hex');
};
const flipped = (bytes: Uint8Array, at: number) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
const flipStored = () => store.setMeta('identity', flipped(store.getMeta('identity') ?? new Uint8Array(), 30));
const flipCopy = () => writeFileSync(path, flipped(readFileSync(path), 30));

test('is made once, and stored twice, readable by its owner only', () => {
  const key = load();
  expect(load()).toBe(key);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(faults).toEqual([]);
});

test.each([
  ['the store', flipStored],
  ['the file', flipCopy],
])('a flipped bit in %s is detected, and repaired from the other copy', (_, flip) => {
  const key = load();
  flip();
  expect(load()).toBe(key);
  expect(faults).toEqual(['mended']);
  expect(load()).toBe(key);
  expect(faults).toEqual(['mended']);
});

test('a lost copy in the store or the file is written again', () => {
  const key = load();
  rmSync(path);
  expect(load()).toBe(key);
  store.close();
  store = openStore(':memory:');
  expect(load()).toBe(key);
  expect(faults).toEqual([]);
});

test('with both copies damaged it is lost, and that is said once', () => {
  const key = load();
  flipStored();
  flipCopy();
  const other = load();
  expect(other).not.toBe(key);
  expect(load()).toBe(other);
  expect(faults).toEqual(['lost']);
});

test('two complete keys that differ need an operator: the store’s key is used, and the other one kept', () => {
  load();
  const copy = readFileSync(path);
  store.close();
  store = openStore(':memory:');
  rmSync(path);
  const key = load();
  writeFileSync(path, copy);
  expect(load()).toBe(key);
  expect(faults).toEqual(['differ']);
  expect(readFileSync(path).equals(copy)).toBe(true);
});

test('the key of an earlier agent without a second copy stays valid, and gets one', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  store.setMeta('identity', privateKey.export({ format: 'der', type: 'pkcs8' }));
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(12).toString('hex');
  expect(load()).toBe(raw);
  flipStored();
  expect(load()).toBe(raw);
  expect(faults).toEqual(['mended']);
  const kept = createPrivateKey({ key: readFileSync(path).subarray(0, 48), format: 'der', type: 'pkcs8' });
  expect(createPublicKey(kept).equals(publicKey)).toBe(true);
});

test('a file that cannot be written is reported, and nothing else fails', () => {
  const key = load();
  rmSync(path);
  mkdirSync(path);
  expect(load()).toBe(key);
  expect(faults).toEqual(['mended', 'unkept']);
});
