/**
 * Holds back the word that an invocation has begun, for the few milliseconds in which most of them end: their outcome
 * says it as well, and a frame less each way is a good part of what a short call costs.
 *
 * Invariant: the word is out `delayMs` after the start at the latest, unless the tunnel or the invocation ended first.
 * A wire that is cut within that time loses it, as it may lose any frame: the call then runs again elsewhere
 * (docs/ARCHITECTURE.md, rule 4).
 */

export type DeferredAccepted = {
  /** The invocation has begun; says so later, if it is not told or forgotten before. */
  hold(id: string): void;
  /** Says it now, of one that was never held. */
  tell(id: string): void;
  /** Says it now, if it is held. */
  tellHeld(id: string): void;
  /** Need not be said any more. */
  forget(id: string): void;
  forgetAll(): void;
};

/** @param say tells the other side that this invocation has begun */
export function createDeferredAccepted(say: (id: string) => void, delayMs = 5): DeferredAccepted {
  const held = new Set<string>();
  /** One timer for all: it may come early for those that began last, and late for none. */
  let timed = false;

  const sayAll = () => {
    timed = false;
    for (const id of held) say(id);
    held.clear();
  };

  return {
    hold(id) {
      held.add(id);
      if (timed) return;
      timed = true;
      setTimeout(sayAll, delayMs);
    },
    tell: say,
    tellHeld(id) {
      if (held.delete(id)) say(id);
    },
    forget: (id) => void held.delete(id),
    forgetAll: () => held.clear(),
  };
}
