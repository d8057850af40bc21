/** So many at one time; whoever comes later waits for a turn, first come, first served. */

export type Turns = {
  /** Resolves with the way to give the turn back, which is idempotent. Rejects when the signal aborts before. */
  take(signal: AbortSignal): Promise<() => void>;
};

export function createTurns(max: number): Turns {
  let free = max;
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
    take(signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (free > 0) {
        free -= 1;
        return Promise.resolve(turn());
      }
      return new Promise((resolve, reject) => {
        const abort = () => {
          waiting.delete(come);
          reject(signal.reason);
        };
        const come = () => {
          waiting.delete(come);
          signal.removeEventListener('abort', abort);
          resolve(turn());
        };
        waiting.add(come);
        signal.addEventListener('abort', abort, { once: true });
      });
    },
  };
}
