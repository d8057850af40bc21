import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createSealing, sealingKey } from './sealing.ts';

const key = Buffer.alloc(32, 7);

test('what is sealed opens with the same key and purpose only, and unchanged only', () => {
  const sealing = createSealing(key);
  const sealed = sealing.seal('hunter2', 'secret:a');
  expect(Buffer.from(sealed).includes('hunter2')).toBe(false);
  expect(sealing.open(sealed, 'secret:a')).toBe('hunter2');
  expect(() => sealing.open(sealed, 'secret:b')).toThrow('sealed with another key');
  expect(() => createSealing(Buffer.alloc(32, 8)).open(sealed, 'secret:a')).toThrow('sealed with another key');
  for (let at = 0; at < sealed.byteLength; at += 1) {
    const changed = Uint8Array.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(() => sealing.open(changed, 'secret:a')).toThrow('sealed with another key');
  }
});

test('nothing is sealed the same way twice', () => {
  const sealing = createSealing(key);
  expect(sealing.seal('a', 'p')).not.toEqual(sealing.seal('a', 'p'));
});

test('a key derived for one use is always the same, and another for another use', () => {
  const sealing = createSealing(key);
  expect(sealing.derive('callback')).toEqual(sealing.derive('callback'));
  expect(sealing.derive('callback')).not.toEqual(sealing.derive('other'));
  expect(sealing.derive('callback')).toHaveLength(32);
});

test('the key of the data directory is made once, for its owner alone', () => {
  const directory = mkdtempSync(join(tmpdir(), 'skerry-seal-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const first = sealingKey(undefined, directory);
  expect(sealingKey(undefined, directory)).toEqual(first);
  expect(first).toHaveLength(32);
  expect(statSync(join(directory, 'sealing.key')).mode & 0o777).toBe(0o600);
  expect(sealingKey('ab'.repeat(32), directory)).toEqual(Buffer.alloc(32, 0xab));
  writeFileSync(join(directory, 'sealing.key'), 'not a key');
  expect(() => sealingKey(undefined, directory)).toThrow('is not a key');
});
