/**
 * Defers the `accepted` frame of an invocation for the few milliseconds in which most of them end: their outcome says
 * it as well, and one frame less each way is a good part of the cost of a short call.
 *
 * Invariant: the frame is sent at most `delayMs` after the start, unless the tunnel or the invocation ended first. A
 * connection that breaks within that time loses it, as it may lose any frame: the call then runs again elsewhere
 * (docs/ARCHITECTURE.md, rule 4).
 */

export type DeferredAccepted = {
  /** The invocation has begun; sends the frame later, unless it is sent or forgotten before. */
  hold(id: string): void;
  /** Sends the frame of an invocation now that was never held. */
  tell(id: string): void;
  /** Sends the frame now, if it is held. */
  tellHeld(id: string): void;
  /** The frame is no longer needed. */
  forget(id: string): void;
  forgetAll(): void;
};

/** @param say sends the frame of this invocation */
export function createDeferredAccepted(say: (id: string) => void, delayMs = 5): DeferredAccepted {
  const held = new Set<string>();
  /** One timer for all: it may be early for the last invocations, and is late for none. */
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
