/**
 * The queue of messages between one trigger's connection and the disk. It keeps the order of the messages.
 *
 * The queue gives its messages to the intake in waves of at most `maxWave`. A wave begins when the wave before it is on
 * disk. Many messages then share one write, and no message overtakes one that found no room. While the intake has no
 * room or the disk is away, the queue holds messages that can wait. It drops and counts those that cannot (QoS 0).
 *
 * Invariant: the queue holds at most `maxHeld` messages and about `maxHeldBytes`. The caller must check `hasRoom` after
 * each `add`.
 */
import { backoffDelay } from '../backoff.ts';
import type { Clock } from '../clock.ts';
import { toSkerryError } from '../errors.ts';
import { createLoop } from '../loop.ts';
import type { Intake, NewEvent, PendingLimit, RecordResult } from './intake.ts';

const maxHeld = 1_000;
const maxHeldBytes = 4 * 1024 * 1024;
const maxWave = 250;
/** Back-off while the disk is away. */
const awayBackoff = { baseMs: 250, capMs: 5_000 };
/** Back-off while the intake is full. The shortest wait keeps the queue from spinning when the intake is wrong. */
const fullBackoff = { baseMs: 50, capMs: 2_000 };
const minFullMs = 50;

type QueuedMessage = {
  /** Undefined for a message that is no event: the queue only settles it in its turn. */
  readonly event: NewEvent | undefined;
  /** True when the queue may hold the message until there is room. */
  readonly canWait: boolean;
  /** Called when the event is on disk, or was dropped. Must not hold the message: `maxHeldBytes` counts inputs only. */
  readonly settle: () => void;
};

export type EventQueue = {
  add(message: QueuedMessage): void;
  readonly hasRoom: boolean;
  /** Resolves when the queue has room, or when the signal aborts. */
  whenRoom(signal: AbortSignal): Promise<void>;
  /** The reason why the queue holds messages, for a person. Undefined while it holds none. */
  readonly trouble: string | undefined;
  readonly dropped: number;
  /** Resolves when the queue was ended and its last wave is over. The queue writes nothing after that. */
  readonly done: Promise<void>;
};

type EventQueueOptions = {
  readonly trigger: string;
  readonly intake: Intake;
  readonly limit: PendingLimit;
  readonly clock: Clock;
  readonly random: () => number;
  /** Ends the queue. */
  readonly signal: AbortSignal;
  /** Called after each wave, when the queue has settled its messages. */
  readonly onSettled: () => void;
};

export function createEventQueue(options: EventQueueOptions): EventQueue {
  const { trigger, intake, limit, clock, random, signal, onSettled } = options;
  const waiting: QueuedMessage[] = [];
  const roomWaiters = new Set<() => void>();
  let bytes = 0;
  let dropped = 0;
  let trouble: string | undefined;
  let waveSize = maxWave;
  /** Number of waves in a row in which no message found room. */
  let refusals = 0;

  const hasRoom = () => waiting.length < maxHeld && bytes < maxHeldBytes;
  const settle = (message: QueuedMessage) => {
    bytes -= countBytes(message);
    message.settle();
  };
  const drop = (message: QueuedMessage) => {
    dropped += 1;
    settle(message);
  };
  const record = async (event: NewEvent | undefined): Promise<RecordResult> =>
    event ? intake.record(event, limit) : 'known';

  /** Gives one wave to the intake. The messages that must wait stay at the head of the queue. */
  const sendWave = async () => {
    const wave = waiting.slice(0, waveSize);
    const results = await Promise.allSettled(wave.map(({ event }) => record(event)));
    const held: QueuedMessage[] = [];
    let failure: { readonly cause: unknown } | undefined;
    let full = false;
    for (const [at, message] of wave.entries()) {
      const result = results[at];
      if (result?.status === 'rejected') failure = { cause: result.reason };
      else if (result?.value === 'full') full = true;
      if (result?.status === 'fulfilled' && result.value !== 'full') settle(message);
      else if (message.canWait) held.push(message);
      else drop(message);
    }
    waiting.splice(0, wave.length, ...held);
    onSettled();
    for (const check of hasRoom() ? roomWaiters : []) check();
    return { failure, full, progress: held.length < wave.length };
  };

  const waitForIntake = async () => {
    trouble = 'there is no room for more events';
    await clock.sleep(backoffDelay(refusals, random(), minFullMs, fullBackoff), signal);
    const [first] = waiting;
    await intake.waitForRoom(trigger, { ...limit, bytes: first && countBytes(first) }, signal).catch(() => undefined);
  };

  /** Sends one wave. Rejects when the intake is away. */
  const step = async (): Promise<number | undefined> => {
    if (waiting.length === 0) {
      trouble = undefined;
      return undefined;
    }
    const { failure, full, progress } = await sendWave();
    // The intake may have room for a few events only, and it refuses a whole wave: so the next wave is small.
    if (full) waveSize = 1;
    if (failure) throw failure.cause;
    if (full) {
      refusals = progress ? 1 : refusals + 1;
      await waitForIntake();
    } else {
      refusals = 0;
      waveSize = Math.min(maxWave, waveSize * 2);
      trouble = undefined;
    }
    return 0;
  };

  const loop = createLoop({
    step,
    onFailure(error) {
      trouble = `events cannot be kept now: ${toSkerryError(error).message}`;
    },
    backoff: awayBackoff,
    minBackoffMs: awayBackoff.baseMs,
    random,
    clock,
  });
  const done = new Promise<void>((resolve) => {
    const stop = () => resolve(loop.stop());
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop);
  });

  return {
    add(message) {
      if (trouble !== undefined && !message.canWait) {
        dropped += 1;
        return message.settle();
      }
      waiting.push(message);
      bytes += countBytes(message);
      loop.wake();
    },
    get hasRoom() {
      return hasRoom();
    },
    whenRoom: (until) =>
      new Promise((resolve) => {
        const check = () => {
          roomWaiters.delete(check);
          until.removeEventListener('abort', check);
          resolve();
        };
        if (hasRoom() || until.aborted) return resolve();
        roomWaiters.add(check);
        until.addEventListener('abort', check);
      }),
    get trouble() {
      return trouble;
    },
    get dropped() {
      return dropped;
    },
    done,
  };
}

function countBytes({ event }: QueuedMessage): number {
  return event?.input.byteLength ?? 0;
}
