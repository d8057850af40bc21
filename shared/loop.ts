/**
 * A loop of steps: one step at a time, a wait after each, back-off after a failure, until it is stopped.
 *
 * Invariants:
 * - Steps never overlap.
 * - A wake-up during a step is kept: the next step begins at once. So a step that begins after `wake` sees what the
 *   caller changed before it.
 * - `stop` resolves after the last step has ended.
 */
import { type BackoffOptions, backoffDelay } from './backoff.ts';
import { type Clock, systemClock } from './clock.ts';

export type LoopOptions = {
  /**
   * Does one piece of work. Resolves with the milliseconds to wait before the next step: 0 for none, undefined to wait
   * for a wake-up. A rejection is a failure: the loop reports it, and the next step waits for the back-off.
   * @param signal aborts when the loop is stopped
   */
  readonly step: (signal: AbortSignal) => Promise<number | undefined>;
  /** @param failures in a row, from 1 */
  readonly onFailure: (error: unknown, failures: number) => void;
  readonly backoff: BackoffOptions;
  /** Shortest back-off, in milliseconds. The jitter is added to it. Default: 0. */
  readonly minBackoffMs?: number;
  /** A number in [0, 1), as `Math.random` gives it. */
  readonly random: () => number;
  readonly clock?: Pick<Clock, 'sleep'>;
};

export type Loop = {
  /** Begins the next step now, or right after the running step. Does not shorten a back-off. */
  wake(): void;
  /** Calls `wake` after this many milliseconds. Of several such calls the earliest counts. */
  wakeIn(ms: number): void;
  /** Calls `wake` and ends a back-off, also that of the running step. For callers that removed the cause of a failure. */
  retryNow(): void;
  /** Ends the wait and begins no further step. Resolves when the running step has ended. Idempotent. */
  stop(): Promise<void>;
};

/** The first step begins in the same turn of the event loop. */
export function createLoop(options: LoopOptions): Loop {
  const { step, onFailure, backoff, minBackoffMs = 0, random, clock = systemClock } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let woken = false;
  let retryAtOnce = false;
  let failures = 0;
  let endWait = () => {};
  let endBackoff = () => {};
  let alarm: { readonly timer: NodeJS.Timeout; readonly at: number } | undefined;

  const waitForWake = (ms: number | undefined): Promise<void> => {
    if (ms === undefined) {
      return new Promise((resolve) => {
        endWait = resolve;
      });
    }
    const waiting = new AbortController();
    endWait = () => waiting.abort();
    return clock.sleep(ms, waiting.signal);
  };

  const backOff = (): Promise<void> => {
    const waiting = new AbortController();
    endBackoff = () => waiting.abort();
    return clock.sleep(backoffDelay(failures, random(), minBackoffMs, backoff), waiting.signal);
  };

  const run = async () => {
    while (!signal.aborted) {
      woken = false;
      retryAtOnce = false;
      try {
        const waitMs = await step(signal);
        failures = 0;
        if (waitMs !== 0 && !woken && !signal.aborted) await waitForWake(waitMs);
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        onFailure(error, failures);
        if (!retryAtOnce && !signal.aborted) await backOff();
      }
    }
  };

  const wake = () => {
    woken = true;
    endWait();
  };
  const running = run();

  return {
    wake,
    wakeIn(ms) {
      const at = performance.now() + ms;
      if (signal.aborted || (alarm && alarm.at <= at)) return;
      clearTimeout(alarm?.timer);
      const onTime = () => {
        alarm = undefined;
        wake();
      };
      alarm = { at, timer: setTimeout(onTime, ms).unref() };
    },
    retryNow() {
      retryAtOnce = true;
      wake();
      endBackoff();
    },
    async stop() {
      stopping.abort();
      endWait();
      endBackoff();
      clearTimeout(alarm?.timer);
      await running;
    },
  };
}
