/**
 * The owner of a call that was posted to a thread: the main thread or the thread. Shared memory decides, because a
 * posted message cannot be taken back, and a thread that spins reads no messages.
 *
 * Calls have tickets, counted from 1 in the order of posting on both sides. Slot 0 holds the last ticket that the
 * thread has processed, the others the state of one ticket each. Invariant: for each ticket exactly one side succeeds,
 * `claim` in the thread or `takeBack` in the main thread.
 */

const states = { given: 1, running: 2, takenBack: 3 } as const;
/** A power of two, so that tickets may wrap around. */
const slots = 64;

const slotOf = (ticket: number): number => 1 + (ticket & (slots - 1));

export function createClaims(): SharedArrayBuffer {
  return new SharedArrayBuffer((1 + slots) * Int32Array.BYTES_PER_ELEMENT);
}

/** The main thread's side. */
export function createGiver(memory: SharedArrayBuffer) {
  const cells = new Int32Array(memory);
  let ticket = 0;
  return {
    /** False until the thread has gone past the calls that were taken back from it. */
    hasRoom: (): boolean => ((ticket + 1 - Atomics.load(cells, 0)) | 0) < slots,
    /** Ticket for the next posted call; only when there is room. */
    give(): number {
      ticket = (ticket + 1) | 0;
      Atomics.store(cells, slotOf(ticket), states.given);
      return ticket;
    },
    /** True when the call has not begun and now never will. */
    takeBack: (given: number): boolean =>
      Atomics.compareExchange(cells, slotOf(given), states.given, states.takenBack) === states.given,
  };
}

/** The thread's side. */
export function createTaker(memory: SharedArrayBuffer) {
  const cells = new Int32Array(memory);
  let ticket = 0;
  return {
    /** For the next call in order: true when it must run, false when it was taken back. */
    claim(): boolean {
      ticket = (ticket + 1) | 0;
      const state = Atomics.compareExchange(cells, slotOf(ticket), states.given, states.running);
      Atomics.store(cells, 0, ticket);
      return state === states.given;
    },
  };
}
