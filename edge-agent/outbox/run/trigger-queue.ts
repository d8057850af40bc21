/**
 * The events of one trigger that are next, in memory: a window on what the file has of it, oldest first. What does not
 * fit stays in the file and is read when there is room.
 *
 * Invariant: the events of a trigger begin in the order of their numbers, and none begins twice.
 */
import type { KeptEvent } from '../storage/operations.ts';

/** Events of one trigger in memory that have not begun, and bytes of their inputs, but at least one. */
export const windowEvents = 256;
export const windowBytes = 1024 * 1024;

export type TriggerQueue = {
  readonly trigger: string;
  readonly function: string;
  /** Number of the last event that is or was in memory: those after it are in the file only. */
  readonly last: number;
  /** Whether the file has some after it. */
  readonly more: boolean;
  /** Numbers of events that run, or rest between two attempts. */
  readonly active: Set<number>;
  /** A read is under way. */
  reading: boolean;
  readonly size: number;
  /** An event that was recorded just now. */
  add(event: KeptEvent): void;
  /** What was read after `last`. */
  fill(events: readonly KeptEvent[], more: boolean): void;
  /** The next to run, which is then no longer here. */
  next(): KeptEvent | undefined;
  /** It did not begin after all. */
  putBack(event: KeptEvent): void;
  /** The oldest that waits here and has not begun yet goes, to make room for another. */
  dropOldest(): KeptEvent | undefined;
  /** This one has gone from the file. */
  remove(seq: number): void;
  /** What waits here is read again, but for what has begun once. A read from before counts no more. */
  reset(): void;
  /** Nothing waits here any more, and nothing in the file. A read from before counts no more. */
  clear(): void;
  /** How often it was reset. */
  readonly resets: number;
  readonly hasRoom: boolean;
};

export function createTriggerQueue(trigger: string, functionId: string): TriggerQueue {
  let waiting: KeptEvent[] = [];
  let bytes = 0;
  let last = 0;
  let begun = 0;
  let more = false;
  let resets = 0;
  const push = (event: KeptEvent) => {
    waiting.push(event);
    bytes += event.input.byteLength;
    last = event.seq;
  };
  const take = (): KeptEvent | undefined => {
    const event = waiting.shift();
    if (event) bytes -= event.input.byteLength;
    return event;
  };
  const isFull = () => waiting.length >= windowEvents || bytes >= windowBytes;
  const queue: TriggerQueue = {
    trigger,
    function: functionId,
    get last() {
      return last;
    },
    get more() {
      return more;
    },
    active: new Set(),
    reading: false,
    get size() {
      return waiting.length;
    },
    add(event) {
      if (more || queue.reading || isFull()) more = true;
      else push(event);
    },
    fill(events, moreInFile) {
      for (const event of events) if (event.seq > last) push(event);
      more = moreInFile;
    },
    next() {
      const event = take();
      if (event) begun = Math.max(begun, event.seq);
      return event;
    },
    putBack(event) {
      const at = waiting.findIndex(({ seq }) => seq > event.seq);
      waiting.splice(at === -1 ? waiting.length : at, 0, event);
      bytes += event.input.byteLength;
    },
    dropOldest() {
      const event = waiting.find(({ seq }) => seq > begun);
      if (event) queue.remove(event.seq);
      return event;
    },
    clear() {
      queue.reset();
      waiting = [];
      bytes = 0;
      more = false;
    },
    remove(seq) {
      const at = waiting.findIndex((event) => event.seq === seq);
      if (at === -1) return;
      bytes -= waiting[at]?.input.byteLength ?? 0;
      waiting.splice(at, 1);
    },
    reset() {
      waiting = waiting.filter(({ seq }) => seq <= begun);
      bytes = waiting.reduce((sum, { input }) => sum + input.byteLength, 0);
      last = begun;
      more = true;
      resets += 1;
    },
    get resets() {
      return resets;
    },
    get hasRoom() {
      return waiting.length < windowEvents / 2 && bytes < windowBytes / 2;
    },
  };
  return queue;
}
