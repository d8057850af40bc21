/**
 * Messages on their way from one trigger's connection to the disk, in their order.
 *
 * They go in waves, each when the one before is on disk, so that many share one write and none overtakes another that
 * found no room. With no room, or with the disk away, what can wait is held; what cannot (QoS 0) is dropped and counted.
 *
 * Invariant: at most `maxHeld` messages and about `maxHeldBytes` are held; whoever adds looks at `hasRoom` after each.
 */
import { backoffDelay } from '../backoff.ts';
import type { Clock } from '../clock.ts';
import { toSkerryError } from '../errors.ts';
import type { Intake, NewEvent, PendingLimit, RecordResult } from './intake.ts';

const maxHeld = 1_000;
const maxHeldBytes = 4 * 1024 * 1024;
/** Messages in a wave at most. */
const maxWave = 250;
/** Rests between attempts while the disk is away. */
const awayBackoff = { baseMs: 250, capMs: 5_000 };
/** Rests while there is no room, at least `leastRestMs`: whatever the intake says of its room, this never spins. */
const fullBackoff = { baseMs: 50, capMs: 2_000 };
const leastRestMs = 50;

export type Waiting = {
  /** Absent: nothing is to be kept of it, and nothing of it is held. */
  readonly event: NewEvent | undefined;
  /** Whether it may be held until there is room. */
  readonly canWait: boolean;
  /** It is on disk, or never will be. Must not hold the message: `maxHeldBytes` counts inputs only. */
  readonly settle: () => void;
};

export type EventQueue = {
  add(message: Waiting): void;
  readonly hasRoom: boolean;
  /** Resolves when there is room, or when the signal aborts. */
  whenRoom(signal: AbortSignal): Promise<void>;
  /** Why messages are held, in words; undefined while they are not. */
  readonly trouble: string | undefined;
  readonly dropped: number;
  /** Resolves when the wave that is under way has ended, and nothing goes to the disk any more. */
  readonly done: Promise<void>;
};

export type EventQueueOptions = {
  readonly trigger: string;
  readonly intake: Intake;
  readonly limit: PendingLimit;
  readonly clock: Clock;
  readonly random: () => number;
  /** Ends the queue. */
  readonly signal: AbortSignal;
  /** Messages were settled. */
  readonly onSettled: () => void;
};

export function createEventQueue(options: EventQueueOptions): EventQueue {
  const { trigger, intake, limit, clock, random, signal, onSettled } = options;
  const waiting: Waiting[] = [];
  const forRoom = new Set<() => void>();
  let bytes = 0;
  let dropped = 0;
  let trouble: string | undefined;
  let wave = maxWave;
  let failures = 0;
  /** Waves in a row of which nothing found room. */
  let refusals = 0;
  let wake: (() => void) | undefined;

  const hasRoom = () => waiting.length < maxHeld && bytes < maxHeldBytes;
  const leave = (message: Waiting) => {
    bytes -= sizeOf(message);
    message.settle();
  };
  const drop = (message: Waiting) => {
    dropped += 1;
    leave(message);
  };

  /** Gives a wave to the intake; what has to wait stays at the head. */
  const give = async () => {
    const given = waiting.slice(0, wave);
    const results = await Promise.allSettled(given.map(({ event }) => keep(event)));
    const held: Waiting[] = [];
    let away: unknown;
    let full = false;
    for (const [at, message] of given.entries()) {
      const result = results[at];
      if (result?.status === 'rejected') away = result.reason;
      else if (result?.value === 'full') full = true;
      if (result?.status === 'fulfilled' && result.value !== 'full') leave(message);
      else if (message.canWait) held.push(message);
      else drop(message);
    }
    waiting.splice(0, given.length, ...held);
    onSettled();
    for (const look of hasRoom() ? forRoom : []) look();
    return { away, full, progress: held.length < given.length };
  };
  const keep = async (event: NewEvent | undefined): Promise<RecordResult> =>
    event ? intake.record(event, limit) : 'known';

  const run = async () => {
    while (!signal.aborted) {
      if (waiting.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      const { away, full, progress } = await give();
      if (away !== undefined) {
        failures += 1;
        trouble = `events cannot be kept now: ${toSkerryError(away).message}`;
        await clock.sleep(backoffDelay(failures, random(), awayBackoff.baseMs, awayBackoff), signal);
      } else if (full) {
        trouble = 'there is no room for more events';
        refusals = progress ? 1 : refusals + 1;
        await clock.sleep(backoffDelay(refusals, random(), leastRestMs, fullBackoff), signal);
        const [first] = waiting;
        await intake.waitForRoom(trigger, { ...limit, bytes: first && sizeOf(first) }, signal).catch(() => undefined);
      }
      // There may be room for a few: a wave that finds none comes back whole, so they begin small again.
      if (full) wave = 1;
      else if (away === undefined) {
        failures = 0;
        refusals = 0;
        wave = Math.min(maxWave, wave * 2);
      }
      if ((away === undefined && !full) || waiting.length === 0) trouble = undefined;
    }
  };
  signal.addEventListener('abort', () => wake?.());

  return {
    add(message) {
      if (trouble !== undefined && !message.canWait) {
        dropped += 1;
        return message.settle();
      }
      waiting.push(message);
      bytes += sizeOf(message);
      wake?.();
    },
    get hasRoom() {
      return hasRoom();
    },
    whenRoom: (until) =>
      new Promise((resolve) => {
        const look = () => {
          forRoom.delete(look);
          until.removeEventListener('abort', look);
          resolve();
        };
        if (hasRoom() || until.aborted) return resolve();
        forRoom.add(look);
        until.addEventListener('abort', look);
      }),
    get trouble() {
      return trouble;
    },
    get dropped() {
      return dropped;
    },
    done: run(),
  };
}

function sizeOf({ event }: Waiting): number {
  return event?.input.byteLength ?? 0;
}
