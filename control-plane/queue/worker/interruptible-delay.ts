/** Rests of what waits for somebody to run it: they end early when somebody comes. */
import { rest } from '@skerry/shared/clock.ts';

export type Rests = {
  /** Resolves after so many milliseconds, when somebody comes, or when the signal aborts. */
  rest(delayMs: number, signal: AbortSignal): Promise<void>;
  /** Somebody has come. */
  end(): void;
};

export function createRests(): Rests {
  let coming = new AbortController();
  return {
    rest: (delayMs, signal) => rest(delayMs, AbortSignal.any([signal, coming.signal])),
    end() {
      coming.abort();
      coming = new AbortController();
    },
  };
}
