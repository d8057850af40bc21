/**
 * What a guest can wait for, and the one way in which the host waits.
 *
 * A gate keeps who waits for it in a set and asks its source once for all of them, so that a guest that subscribes, or
 * polls, again and again leaves nothing behind: a lost race of promises would stay with its source for good.
 *
 * Invariant: a wait ends when its gate opens or the call's signal aborts, whichever is first, and then holds nothing.
 */

/** Something that is open, or will be. */
export type Gate = {
  isOpen(): boolean;
  /** Calls `wake` when it may be open; who is woken looks again. */
  add(wake: () => void): void;
  remove(wake: () => void): void;
};

/**
 * Ends what waits. As a function it is asked when a wait begins: what a guest keeps from one call to the next waits
 * with the call that is under way, not with the one in which it was made.
 */
export type CallSignal = AbortSignal | (() => AbortSignal);

/** Open from the start, and for ever. */
export const openGate: Gate = { isOpen: () => true, add: (wake) => wake(), remove: () => {} };

/**
 * @param ready resolves when `isOpen` has become true; never rejects. Asked anew after each time that it resolved
 */
export function createGate(isOpen: () => boolean, ready: () => Promise<void>): Gate {
  const waiting = new Set<() => void>();
  let asked = false;
  const wakeAll = () => {
    asked = false;
    for (const wake of [...waiting]) wake();
  };
  return {
    isOpen,
    add(wake) {
      waiting.add(wake);
      if (asked) return;
      asked = true;
      void ready().then(wakeAll);
    },
    remove: (wake) => waiting.delete(wake),
  };
}

/** Resolves when one of the gates is open. Rejects with the signal's reason, made an error if it is none. */
export function waitForAny(gates: readonly Gate[], ends: CallSignal): Promise<void> {
  const signal = typeof ends === 'function' ? ends() : ends;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(reasonOf(signal));
    const leave = () => {
      for (const gate of gates) gate.remove(look);
      signal.removeEventListener('abort', abort);
    };
    const abort = () => {
      leave();
      reject(reasonOf(signal));
    };
    const look = () => {
      if (gates.some((gate) => gate.isOpen())) {
        leave();
        resolve();
      } else for (const gate of gates) gate.add(look);
    };
    signal.addEventListener('abort', abort, { once: true });
    if (gates.some((gate) => gate.isOpen())) return look();
    for (const gate of gates) gate.add(look);
  });
}

/** An error in any case: jco would give anything else to the guest as a value. */
export function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('the call was ended', { cause: signal.reason });
}
