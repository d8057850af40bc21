/** Time as a parameter: code that waits takes a `Clock`, so that tests can pass a clock of their own. */

export type Clock = {
  /** Milliseconds since the epoch. The wall clock can jump forward and back. */
  now(): number;
  /** Same contract as `sleep` below. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
};

/** Resolves after `ms` milliseconds, or at once when the signal aborts. Never rejects. */
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

/** Resolves with true when the promise settles within `ms` milliseconds, else with false. Never rejects. */
export async function settledWithin(clock: Clock, ms: number, promise: Promise<unknown>): Promise<boolean> {
  const deadline = new AbortController();
  let settled = false;
  const settle = () => {
    settled = true;
  };
  await Promise.race([promise.then(settle, settle), clock.sleep(ms, deadline.signal)]);
  deadline.abort();
  return settled;
}
