/** Rests of what waits for somebody to run it: they end early when somebody comes. */

export type Rests = {
  /** Resolves after so many milliseconds, when somebody comes, or when the signal aborts. */
  rest(delayMs: number, signal: AbortSignal): Promise<void>;
  /** Somebody has come. */
  end(): void;
};

export function createRests(): Rests {
  const resting = new Set<() => void>();
  return {
    rest: (delayMs, signal) =>
      new Promise((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          resting.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        const timer = setTimeout(wake, delayMs);
        resting.add(wake);
        signal.addEventListener('abort', wake);
        if (signal.aborted) wake();
      }),
    end() {
      for (const wake of resting) wake();
    },
  };
}
