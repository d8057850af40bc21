import { afterAll, beforeAll, expect, test } from 'vitest';
import { readVersion } from '../db/catalog/version.ts';
import { type Harness, startHarness } from '../testing/harness.ts';
import { changeCatalog, Unchanged } from './change.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness?.close());

test('a change raises the version by one and refreshes the catalog', async () => {
  const { store, catalog } = harness.controlPlane;
  const before = catalog.version;
  const versions = await changeCatalog(store, catalog, async (_, found) => found);
  expect(versions).toEqual({ current: before, next: before + 1 });
  expect(await store.read(readVersion)).toBe(before + 1);
  expect(catalog.version).toBe(before + 1);
});

test('work that changes nothing leaves the version', async () => {
  const { store, catalog } = harness.controlPlane;
  const before = await store.read(readVersion);
  expect(await changeCatalog(store, catalog, async () => new Unchanged('same'))).toBe('same');
  expect(await store.read(readVersion)).toBe(before);
});

test('work that rejects leaves the version', async () => {
  const { store, catalog } = harness.controlPlane;
  const before = await store.read(readVersion);
  const failing = changeCatalog(store, catalog, async () => {
    throw new Error('refused');
  });
  await expect(failing).rejects.toThrow('refused');
  expect(await store.read(readVersion)).toBe(before);
});
