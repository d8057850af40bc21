/** Times: nanoseconds since the epoch here, `datetime` of wasi:clocks/wall-clock for the guest. */
import { refuse } from './error-code.ts';

export type Datetime = { readonly seconds: bigint; readonly nanoseconds: number };

export type NewTimestamp =
  | { readonly tag: 'no-change' }
  | { readonly tag: 'now' }
  | { readonly tag: 'timestamp'; readonly val: Datetime };

const perSecond = 1_000_000_000n;
/** Year 2446: the limit of ext4, and far within the range of all types in between. */
const latestSecond = 15_032_385_535n;

/** @param nanoseconds as decimals, as in a FileStat */
export function toDatetime(nanoseconds: string): Datetime {
  const value = BigInt(nanoseconds);
  return value < 0n
    ? { seconds: 0n, nanoseconds: 0 }
    : { seconds: value / perSecond, nanoseconds: Number(value % perSecond) };
}

/** @returns nanoseconds, or undefined for no change @throws FileErrorCode `invalid`, `overflow` */
export function fromTimestamp(timestamp: NewTimestamp, now: () => bigint): bigint | undefined {
  if (timestamp.tag === 'no-change') return undefined;
  if (timestamp.tag === 'now') return now();
  const { seconds, nanoseconds } = timestamp.val;
  if (nanoseconds >= perSecond) refuse('invalid');
  if (seconds > latestSecond) refuse('overflow');
  return seconds * perSecond + BigInt(nanoseconds);
}
