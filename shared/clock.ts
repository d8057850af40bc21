/** Time as whoever waits for it sees it; tests give one of their own. */

export type Clock = {
  /** Milliseconds since the epoch. May be set forward and back. */
  now(): number;
  /** Resolves after so many milliseconds, and at once when the signal aborts. Never rejects. */
  rest(ms: number, signal: AbortSignal): Promise<void>;
};

export const systemClock: Clock = {
  now: Date.now,
  rest: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
    }),
};

/** Whether the promise settled before so many milliseconds were over. Never rejects. */
export async function settledWithin(clock: Clock, ms: number, promise: Promise<unknown>): Promise<boolean> {
  const patience = new AbortController();
  let settled = false;
  const settle = () => {
    settled = true;
  };
  await Promise.race([promise.then(settle, settle), clock.rest(ms, patience.signal)]);
  patience.abort();
  return settled;
}
