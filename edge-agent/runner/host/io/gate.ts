/**
 * The things that a guest can wait for (gates), and the only way in which the host waits.
 *
 * A gate keeps its waiters in a set and asks its source once for all of them. So a guest that subscribes or polls again
 * and again leaves nothing behind: a lost race of promises would stay with its source without an end.
 *
 * Invariant: a wait ends when its gate opens or the call's signal aborts. It then holds nothing.
 */

/** A condition that is open, or will be. */
export type Gate = {
  isOpen(): boolean;
  /** Calls `wake` when the gate may be open; the woken waiter checks again. */
  add(wake: () => void): void;
  remove(wake: () => void): void;
};

/**
 * Ends waits. A function is called when a wait begins: a resource that a guest keeps from one call to the next waits
 * with the running call, not with the call that made it.
 */
export type CallSignal = AbortSignal | (() => AbortSignal);

/** A gate that is always open. */
export const openGate: Gate = { isOpen: () => true, add: (wake) => wake(), remove: () => {} };

/**
 * @param ready resolves when `isOpen` has become true; never rejects. It is called again after each time that it
 *   resolved
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

/** Resolves when one of the gates is open. Rejects with the signal's reason, wrapped in an error if it is none. */
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

/** An error in any case: jco would pass any other value to the guest. */
export function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('the call was ended', { cause: signal.reason });
}
