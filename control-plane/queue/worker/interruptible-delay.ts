/** Delays of invocations that wait for an agent: they end early when an agent connects. */
import { sleep } from '@skerry/shared/clock.ts';

export type Delays = {
  /** Resolves after this number of milliseconds, when `interrupt` is called, or when the signal aborts. */
  delay(delayMs: number, signal: AbortSignal): Promise<void>;
  /** Ends all delays: an agent has connected. */
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
