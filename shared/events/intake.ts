/**
 * Where events go in, on a device and in the control plane alike: what listens to a broker or a clock gives them to an
 * intake, which keeps them. Whoever keeps one has made its id, and the id is the invocation's everywhere after.
 */
import { createHash } from 'node:crypto';

/** An event that came in, not yet kept. */
export type NewEvent = {
  /** Made as it came in, once: given again because nobody knows whether it was kept, it is the same event. */
  readonly id: string;
  /** The sender or the clock names it, and the id comes of that: the same event may come in again, however late. */
  readonly named: boolean;
  readonly trigger: string;
  readonly function: string;
  readonly origin: 'mqtt' | 'schedule';
  /** The function's input, complete. */
  readonly input: Uint8Array;
  /** When it came in, in milliseconds since the epoch. */
  readonly createdAt: number;
  /** Moment of a schedule's tick; kept with the event as the last one that ran. */
  readonly tick?: number | undefined;
  /** Why it cannot be run: it is kept as a dead letter, with its input, and never runs. */
  readonly invalid?: string | undefined;
};

/** How many events of one trigger may wait, and what happens to one more. */
export type PendingLimit = {
  readonly maxPending: number;
  readonly whenFull: 'hold' | 'drop_oldest';
  /** Whoever waits for room has an input of so many bytes. */
  readonly bytes?: number | undefined;
};

/**
 * `recorded` and `known`: the event is on disk, from now or from before. `full`: there is no room, and nothing was kept;
 * whoever can holds the event back and comes again. Of events of one trigger that are given together none is kept after
 * one for which there was no room.
 */
export type RecordResult = 'recorded' | 'known' | 'full';

export type Intake = {
  /** Resolves when the event is on disk, or is not to be. Rejects when it cannot be known (the store is away). */
  record(event: NewEvent, limit: PendingLimit): Promise<RecordResult>;
  /** Resolves when there is room again for events of this trigger, or when the signal aborts. */
  waitForRoom(trigger: string, limit: PendingLimit, signal: AbortSignal): Promise<void>;
  /** Moment of the last tick that was kept of a schedule; undefined before the first. */
  lastTick(trigger: string): Promise<number | undefined>;
  /** Sets it, where a schedule begins or the clock was set back. */
  setLastTick(trigger: string, moment: number): Promise<void>;
};

/**
 * Within what a name means one event: one trigger; and one device, by the digest of its key in hexadecimal, where each
 * device has events of its own. Neither has a NUL in it.
 */
export type EventScope = { readonly trigger: string; readonly device?: string | undefined };

/**
 * The id of an event that has a name of its own: the same for the same name in the same scope, wherever it is made. A
 * UUID of version 8 (RFC 9562, section 5.8) out of SHA-256.
 */
export function deriveEventId({ trigger, device = '' }: EventScope, name: string): string {
  const hash = createHash('sha256').update(`skerry-event\0${device}\0${trigger}\0${name}`);
  const bytes = hash.digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
