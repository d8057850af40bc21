import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startHarness } from '../testing/harness.ts';
import { createSealing } from './sealing.ts';
import { claimSealingKey, sealingKey } from './sealing-key.ts';

test('the key of the data directory is created once, for its owner alone', () => {
  const directory = mkdtempSync(join(tmpdir(), 'skerry-seal-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const first = sealingKey(undefined, directory);
  expect(sealingKey(undefined, directory)).toEqual(first);
  expect(first).toHaveLength(32);
  expect(statSync(join(directory, 'sealing.key')).mode & 0o777).toBe(0o600);
  expect(readdirSync(directory)).toEqual(['sealing.key']);
  expect(sealingKey('ab'.repeat(32), directory)).toEqual(Buffer.alloc(32, 0xab));
  writeFileSync(join(directory, 'sealing.key'), 'not a key');
  expect(() => sealingKey(undefined, directory)).toThrow('is not a key');
});

test('a database knows its key: a control plane with another key does not start', async () => {
  const harness = await startHarness(undefined, { SKERRY_SEALING_KEY: '01'.repeat(32) });
  onTestFinished(() => harness.close());
  const { store } = harness.controlPlane;
  await expect(claimSealingKey(store, createSealing(Buffer.alloc(32, 1)))).resolves.toBeUndefined();
  await expect(claimSealingKey(store, createSealing(Buffer.alloc(32, 2)))).rejects.toThrow('set SKERRY_SEALING_KEY');
  await expect(startHarness(undefined, { SKERRY_SEALING_KEY: '02'.repeat(32) }, { store })).rejects.toThrow(
    'set SKERRY_SEALING_KEY',
  );
});
