/**
 * Quarantine of damaged files: each gets a name beside the file, with a number higher than all before it. The time
 * would not do: a device's clock may stand in the past, and the newest file must not be taken for the oldest.
 */
import { readdirSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Number of files that are kept. */
const kept = 2;

/** The next name; the write-ahead log belonging to it ends in `-wal`. */
export function quarantinePath(path: string): string {
  const last = numbersOf(path).at(-1) ?? 0;
  return `${path}.damaged-${last + 1}`;
}

/** Removes all but the newest, each with its write-ahead log, also a log without a file. */
export function forgetOldest(path: string): void {
  for (const number of numbersOf(path).slice(0, -kept)) {
    for (const suffix of ['', '-wal']) rmSync(`${path}.damaged-${number}${suffix}`, { force: true });
  }
}

/** The numbers in use, ascending. */
function numbersOf(path: string): number[] {
  const name = new RegExp(`^${RegExp.escape(basename(path))}\\.damaged-(\\d{1,15})(-wal)?$`);
  const numbers = readdirSync(dirname(path)).flatMap((file) => {
    const number = name.exec(file)?.[1];
    return number === undefined ? [] : Number(number);
  });
  return [...new Set(numbers)].sort((a, b) => a - b);
}
