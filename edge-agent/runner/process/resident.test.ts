import { expect, test } from 'vitest';
import { bytesIn, residentBytes } from './resident.ts';

test('memory and swap count together', () => {
  expect(bytesIn('Name:\tnode\nVmPeak:\t  999 kB\nVmRSS:\t    100 kB\nRssAnon:\t  50 kB\nVmSwap:\t     20 kB\n')).toBe(
    120 * 1024,
  );
  expect(bytesIn('Name:\tkthreadd\n')).toBe(0);
});

test('the own process has a size, an ended process has none', () => {
  expect(residentBytes(process.pid)).toBeGreaterThan(1024 * 1024);
  expect(residentBytes(2 ** 30)).toBe(0);
});
