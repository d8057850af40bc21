/**
 * The next events of one trigger, in memory: a window on the file, oldest first. Further events stay in the file and
 * are read when there is room.
 *
 * Invariant: the events of a trigger begin in the order of their numbers, and none begins twice.
 */
import type { KeptEvent } from '../storage/operations.ts';

/** Most events of one trigger in memory that have not begun, and most bytes of their inputs; at least one event. */
export const windowEvents = 256;
export const windowBytes = 1024 * 1024;

export type TriggerQueue = {
  readonly trigger: string;
  readonly function: string;
  /** Number of the last event that is or was in memory; later ones are only in the file. */
  readonly last: number;
  /** Whether the file has later events. */
  readonly more: boolean;
  /** Numbers of events that run, or wait between two attempts. */
  readonly active: Set<number>;
  /** A read is in progress. */
  reading: boolean;
  readonly size: number;
  /** An event that was recorded just now. */
  add(event: KeptEvent): void;
  /** The rows that were read after `last`. */
  fill(events: readonly KeptEvent[], more: boolean): void;
  /** Takes the next event to run out of the queue. */
  next(): KeptEvent | undefined;
  /** It did not begin after all. */
  putBack(event: KeptEvent): void;
  /** Takes out the oldest waiting event, to make room for another. */
  dropOldest(): KeptEvent | undefined;
  /** This event has left the file. */
  remove(seq: number): void;
  /** Reads the waiting events again, except those that have begun once. An earlier read no longer counts. */
  reset(): void;
  /** The queue and the file have no events any longer. An earlier read no longer counts. */
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
