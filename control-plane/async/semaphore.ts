/** A semaphore: at most `count` holders. Waiters are served first come, first served. */

export type Semaphore = {
  /** Resolves with the release function, which is idempotent, or with undefined when the signal aborts before. */
  acquire(signal: AbortSignal): Promise<(() => void) | undefined>;
};

/** @param count holders at once */
export function createSemaphore(count: number): Semaphore {
  let free = count;
  const waiting = new Set<() => void>();
  const next = () => {
    const [first] = waiting;
    if (first) first();
    else free += 1;
  };
  const turn = () => {
    let given = false;
    return () => {
      if (given) return;
      given = true;
      next();
    };
  };
  return {
    acquire(signal) {
      if (signal.aborted) return Promise.resolve(undefined);
      if (free > 0) {
        free -= 1;
        return Promise.resolve(turn());
      }
      return new Promise((resolve) => {
        const leave = () => {
          waiting.delete(come);
          signal.removeEventListener('abort', abort);
        };
        const abort = () => {
          leave();
          resolve(undefined);
        };
        const come = () => {
          leave();
          resolve(turn());
        };
        waiting.add(come);
        signal.addEventListener('abort', abort);
      });
    },
  };
}
