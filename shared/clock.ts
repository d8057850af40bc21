/** Time as whoever waits for it sees it; tests give one of their own. */

export type Clock = {
  /** Milliseconds since the epoch. May be set forward and back. */
  now(): number;
  /** As `sleep` below. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
};

/** Resolves after so many milliseconds, and at once when the signal aborts. Never rejects. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

export const systemClock: Clock = { now: Date.now, sleep };

/** Whether the promise settled before so many milliseconds were over. Never rejects. */
export async function settledWithin(clock: Clock, ms: number, promise: Promise<unknown>): Promise<boolean> {
  const patience = new AbortController();
  let settled = false;
  const settle = () => {
    settled = true;
  };
  await Promise.race([promise.then(settle, settle), clock.sleep(ms, patience.signal)]);
  patience.abort();
  return settled;
}
