import { expect, test } from 'vitest';
import { bytesIn, residentBytes } from './resident.ts';

test('what is in memory and in swap counts together', () => {
  expect(bytesIn('Name:\tnode\nVmPeak:\t  999 kB\nVmRSS:\t    100 kB\nRssAnon:\t  50 kB\nVmSwap:\t     20 kB\n')).toBe(
    120 * 1024,
  );
  expect(bytesIn('Name:\tkthreadd\n')).toBe(0);
});

test('a process of one’s own has some; one that is gone has none', () => {
  expect(residentBytes(process.pid)).toBeGreaterThan(1024 * 1024);
  expect(residentBytes(2 ** 30)).toBe(0);
});
