/**
 * Converts rows of the outbox's file to and from objects. Each row has a checksum over everything in it that is written
 * once: storage of a device rots, and SQLite checks its own structure but not the contents.
 */
import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import type { RecordedOutcome } from '@skerry/shared/tunnel/protocol.ts';
import type { KeptEvent, KeptOutcome } from './operations.ts';

export type SqliteRow = Readonly<Record<string, SQLOutputValue>>;

/** The assumed overhead of a row besides its input and output. */
export const rowBytes = 384;

const none = new Uint8Array(0);

export const eventColumns =
  'seq, id, named, function, trigger, origin, created_at, attempts, not_before, input, checksum';

/** Values in the order of `eventColumns`. */
export function eventValues(event: KeptEvent): SQLInputValue[] {
  const { seq, id, named, function: fn, trigger, origin, createdAt, attempts, notBefore, input } = event;
  return [seq, id, Number(named), fn, trigger, origin, createdAt, attempts, notBefore, input, eventChecksum(event)];
}

/** The event; undefined when the row is damaged. */
export function readEvent(row: SqliteRow): KeptEvent | undefined {
  const { seq, id, named, function: fn, trigger, origin, created_at, attempts, not_before, input, checksum } = row;
  if (!(input instanceof Uint8Array) || (origin !== 'mqtt' && origin !== 'schedule')) return undefined;
  if (!Number.isSafeInteger(Number(seq))) return undefined;
  const event: KeptEvent = {
    seq: Number(seq),
    id: String(id),
    named: Number(named) === 1,
    function: String(fn),
    trigger: String(trigger),
    origin,
    createdAt: Number(created_at),
    attempts: readCount(attempts),
    notBefore: readCount(not_before),
    input,
  };
  return eventChecksum(event) === Number(checksum) ? event : undefined;
}

/** Fields outside of the checksum: 0 when the value cannot be true. */
function readCount(value: SQLOutputValue | undefined): number {
  const count = typeof value === 'bigint' ? Number(value) : value;
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : 0;
}

export const eventSize = (input: Uint8Array): number => rowBytes + input.byteLength;

/** Fields that change with every attempt are left out. */
function eventChecksum({ id, named, function: fn, trigger, origin, createdAt, input }: KeptEvent): number {
  return crc32(input, crc32(`${id}\n${Number(named)}\n${fn}\n${trigger}\n${origin}\n${createdAt}`));
}

export const outcomeColumns = 'seq, id, named, created_at, facts, input, output, checksum';

/** Values in the order of `outcomeColumns`. */
export function outcomeValues(seq: number, named: boolean, outcome: RecordedOutcome): SQLInputValue[] {
  const { id, createdAt, input, result, ...facts } = outcome;
  const output = result.ok ? result.output : null;
  const text = JSON.stringify({ ...facts, result: result.ok ? { ok: true } : result });
  const checksum = outcomeChecksum(id, createdAt, text, input ?? none, output ?? none);
  return [seq, id, Number(named), createdAt, text, input ?? null, output, checksum];
}

/** The outcome; undefined when the row is damaged. */
export function readOutcome(row: SqliteRow): KeptOutcome | undefined {
  const { seq, id, created_at, facts, input, output } = row;
  if (!isContent(input) || !isContent(output) || !Number.isSafeInteger(Number(seq))) return undefined;
  const checksum = outcomeChecksum(String(id), Number(created_at), String(facts), input ?? none, output ?? none);
  if (checksum !== Number(row.checksum)) return undefined;
  const { result, ...rest } = JSON.parse(String(facts)) as RecordedOutcome;
  const outcome = {
    ...rest,
    id: String(id),
    createdAt: Number(created_at),
    ...(input && { input }),
    result: result.ok ? { ok: true, output: output ?? none } : result,
  };
  // The schema is checked when the outcome is sent: schemas cost this thread 10 MB.
  return { seq: Number(seq), ...outcome } as KeptOutcome;
}

/** Values of a row that was read, in the order of `outcomeColumns`; undefined when it is damaged. */
export function copiedOutcome(row: SqliteRow): SQLInputValue[] | undefined {
  const outcome = readOutcome(row);
  if (!outcome) return undefined;
  const { named, facts, input = null, output = null, checksum } = row;
  const isNamed = Number(Number(named) === 1);
  return [outcome.seq, outcome.id, isNamed, outcome.createdAt, String(facts), input, output, Number(checksum)];
}

/** Absent, or bytes: anything else is the result of a flipped bit. */
function isContent(value: SQLOutputValue | undefined): value is Uint8Array<ArrayBuffer> | null {
  return value === null || value instanceof Uint8Array;
}

export const outcomeSize = (input: Uint8Array | null | undefined, output: Uint8Array | null | undefined): number =>
  rowBytes + (input?.byteLength ?? 0) + (output?.byteLength ?? 0);

function outcomeChecksum(id: string, createdAt: number, facts: string, input: Uint8Array, output: Uint8Array): number {
  return crc32(output, crc32(input, crc32(`${id}\n${createdAt}\n${input.byteLength}\n${facts}`)));
}
