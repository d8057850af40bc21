import { expect, test } from 'vitest';
import { createDiskReserve, type Space } from './disk-reserve.ts';

const MiB = 1024 * 1024;

/** A disk of this many MiB in blocks of one MiB; `taken` answers with the error's code, or `taken`. */
function disk(given: Partial<Space>) {
  let time = 0;
  let looks = 0;
  const space = { bsize: MiB, blocks: 1_000, bavail: 1_000, files: 0, ffree: 0, ...given };
  const reserve = createDiskReserve(
    async () => {
      looks += 1;
      return { ...space };
    },
    () => time,
  );
  const taken = (mib: number, files = 0, device = 1n) =>
    reserve.take(device, '/', { bytes: mib * MiB, files }).then(
      () => 'taken',
      (error: { code: string }) => error.code,
    );
  const has = (mib: number, files = 0) => reserve.has(1n, '/', { bytes: mib * MiB, files });
  return {
    taken,
    has,
    space,
    looks: () => looks,
    pass(ms: number) {
      time += ms;
    },
  };
}

test('64 MiB stay free on a small disk', async () => {
  const { taken } = disk({ bavail: 70 });
  expect(await taken(7)).toBe('insufficient-space');
  expect(await taken(6)).toBe('taken');
});

test('5 % stay free on a large one', async () => {
  const { taken } = disk({ blocks: 10_000, bavail: 510 });
  expect(await taken(11)).toBe('insufficient-space');
  expect(await taken(10)).toBe('taken');
});

test('5 % of the inodes stay free, where they are counted', async () => {
  const { taken } = disk({ files: 100, ffree: 6 });
  expect(await taken(0, 1)).toBe('taken');
  expect(await taken(0, 1)).toBe('insufficient-space');
  expect(await taken(1)).toBe('taken');
});

test('the disk is looked at once a second, and reservations in between count', async () => {
  const { taken, looks, pass, space } = disk({ bavail: 70 });
  expect(await Promise.all([taken(3), taken(3), taken(1)])).toEqual(['taken', 'taken', 'insufficient-space']);
  pass(999);
  expect(await taken(1)).toBe('insufficient-space');
  expect(looks()).toBe(1);
  pass(1);
  space.bavail = 65;
  expect(await Promise.all([taken(1), taken(1)])).toEqual(['taken', 'insufficient-space']);
  expect(looks()).toBe(2);
});

test('a check reserves nothing', async () => {
  const { taken, has, looks } = disk({ bavail: 70, files: 100, ffree: 6 });
  for (let n = 0; n < 10; n++) expect(await has(6, 1)).toBe(true);
  expect([await has(7), await has(1, 2)]).toEqual([false, false]);
  expect(await taken(6, 1)).toBe('taken');
  expect([await has(1), await has(0, 1), await has(0)]).toEqual([false, false, true]);
  expect(looks()).toBe(1);
});

test('each file system is looked at by itself', async () => {
  const { taken, looks } = disk({ bavail: 70 });
  expect(await taken(6)).toBe('taken');
  expect(await taken(6, 0, 2n)).toBe('taken');
  expect(looks()).toBe(2);
});
