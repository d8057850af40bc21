/**
 * The intake of events. Listeners of brokers and schedules give their events to an intake, which writes them to disk. A
 * device has one intake, the control plane another. The id that an event gets here is the id of its invocation
 * everywhere.
 */
import { createHash } from 'node:crypto';

/** An event that has arrived and is not on disk yet. */
export type NewEvent = {
  /** Made once, when the event arrives. A caller that records the event again after an unknown result uses it again. */
  readonly id: string;
  /** True when the id is derived from a name that the sender or the schedule gave. The event may then arrive again. */
  readonly named: boolean;
  readonly trigger: string;
  readonly function: string;
  readonly origin: 'mqtt' | 'schedule';
  /** Complete input of the function. */
  readonly input: Uint8Array;
  /** Time of arrival, in milliseconds since the epoch. */
  readonly createdAt: number;
  /** Moment of a schedule's tick. The intake stores it with the event as the last tick. */
  readonly tick?: number | undefined;
  /** The reason why the event cannot run. The intake stores such an event as a dead letter, with its input. */
  readonly invalid?: string | undefined;
};

/** How many events of one trigger may wait, and what happens to the next event. */
export type PendingLimit = {
  readonly maxPending: number;
  readonly whenFull: 'hold' | 'drop_oldest';
  /** Bytes of the input of the event that waits for room. */
  readonly bytes?: number | undefined;
};

/**
 * - `recorded`: the event is on disk now.
 * - `known`: the event was on disk before.
 * - `full`: there is no room, and the intake stored nothing. A caller that can hold the event offers it again later.
 *
 * The intake takes events of one trigger in their order: after the first event without room it refuses all later ones
 * of the same wave.
 */
export type RecordResult = 'recorded' | 'known' | 'full';

export type Intake = {
  /** Resolves when the event is on disk or was refused. Rejects when the result is unknown: the store is away. */
  record(event: NewEvent, limit: PendingLimit): Promise<RecordResult>;
  /** Resolves when the trigger has room for events again, or when the signal aborts. */
  waitForRoom(trigger: string, limit: PendingLimit, signal: AbortSignal): Promise<void>;
  /** Moment of the last stored tick of a schedule. Undefined before the first tick. */
  lastTick(trigger: string): Promise<number | undefined>;
  /** Stores the moment of the last tick. For a schedule that begins, or after the clock was set back. */
  setLastTick(trigger: string, moment: number): Promise<void>;
};

/**
 * The scope in which a name means one event: one trigger, and, for events that belong to a device, that device. The
 * device is the digest of its key in hexadecimal. Neither contains a NUL.
 */
export type EventScope = { readonly trigger: string; readonly device?: string | undefined };

/**
 * Derives the id of a named event: a UUID of version 8 (RFC 9562, section 5.8) from SHA-256. The same name in the same
 * scope gives the same id on every machine.
 */
export function deriveEventId({ trigger, device = '' }: EventScope, name: string): string {
  const hash = createHash('sha256').update(`skerry-event\0${device}\0${trigger}\0${name}`);
  const bytes = hash.digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
