/** Sizes and times as people write and read them. */
import { InvalidArgumentError } from 'commander';

const bytesPer: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

const msPer: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `64MiB`, `1.5GiB`, `65536` -> bytes. */
export function parseSize(text: string): number {
  return parseAmount(text, bytesPer, 'B', 'a size such as 64MiB');
}

/** `30s`, `1.5h`, `250ms` -> milliseconds. A unit is required: that of a bare number would be a guess. */
export function parseDuration(text: string): number {
  return parseAmount(text, msPer, undefined, 'a time such as 30s, 5m or 1h');
}

/** A whole number from 1. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1.');
  return Number(text);
}

/** Bytes -> `1.6 MiB`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (value < 1024 || unit === 'GiB') return `${unit === 'B' ? value : value.toFixed(1)} ${unit}`;
    value /= 1024;
  }
  return `${bytes} B`;
}

/** Milliseconds -> `420 ms`, `1.2 s`, `3 min`. */
export function formatDuration(ms: number): string {
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}

function parseAmount(
  text: string,
  units: Readonly<Record<string, number>>,
  defaultUnit: string | undefined,
  expected: string,
): number {
  const [, digits, unit = defaultUnit] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)?$/.exec(text) ?? [];
  const factor = unit === undefined ? undefined : units[unit];
  if (digits === undefined || factor === undefined) throw new InvalidArgumentError(`It must be ${expected}.`);
  return Math.round(Number(digits) * factor);
}
