/**
 * Limits the calls that the runner's process has at once. Few, because all of them are lost with the process. More when
 * calls are short, so that the pipe and the threads carry batches: waking the other side costs more than such a call.
 */

export type Window = {
  /** Calls that the process may have now. */
  readonly size: number;
  /** A call has ended; 0 when it never ran to an end. */
  ended(durationUs: number): void;
};

/** Calls per thread: a running one, and enough behind it to never run dry. */
const usual = 4;
/** Calls per thread while they are short. A thread has no more room. */
const whileShort = 16;
/** An average below this is short, in microseconds: calls behind a thread's call then wait for milliseconds at most. */
const shortUs = 500;
/** The duration that counts for a call that did not end by itself, in microseconds; longer ones count no more. */
const longUs = 50_000;
/** Share of the newest call in the average. */
const weight = 1 / 16;

export function createWindow(threads: number): Window {
  let averageUs = longUs;
  return {
    get size() {
      return threads * (averageUs < shortUs ? whileShort : usual);
    },
    ended(durationUs) {
      const counted = durationUs === 0 ? longUs : Math.min(durationUs, longUs);
      averageUs += (counted - averageUs) * weight;
    },
  };
}
