/** Rests of what waits for somebody to run it: they end early when somebody comes. */
import { sleep } from '@skerry/shared/clock.ts';

export type Delays = {
  /** Resolves after so many milliseconds, when somebody comes, or when the signal aborts. */
  delay(delayMs: number, signal: AbortSignal): Promise<void>;
  /** Somebody has come. */
  interrupt(): void;
};

export function createDelays(): Delays {
  let coming = new AbortController();
  return {
    delay: (delayMs, signal) => sleep(delayMs, AbortSignal.any([signal, coming.signal])),
    interrupt() {
      coming.abort();
      coming = new AbortController();
    },
  };
}
