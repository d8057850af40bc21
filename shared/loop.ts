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
   * for a wake-up. A rejection is a failure: it is reported, and the next step waits for the back-off.
   * @param signal aborts when the loop is stopped
   */
  readonly step: (signal: AbortSignal) => Promise<number | undefined>;
  /** @param failures in a row, from 1 */
  readonly onFailure: (error: unknown, failures: number) => void;
  readonly backoff: BackoffOptions;
  /** A number in [0, 1), as `Math.random` gives it. */
  readonly random: () => number;
  readonly clock?: Pick<Clock, 'sleep'>;
};

export type Loop = {
  /** Begins the next step now, or right after the one that runs. Does not shorten a back-off. */
  wake(): void;
  /** As `wake`, after this many milliseconds; of several such calls the earliest counts. */
  wakeIn(ms: number): void;
  /** As `wake`, and ends a back-off: what made the last step fail has changed. */
  retryNow(): void;
  /** Ends the wait and begins no further step. Resolves when the step that runs has ended. Idempotent. */
  stop(): Promise<void>;
};

/** The first step begins in the same turn of the event loop. */
export function createLoop({ step, onFailure, backoff, random, clock = systemClock }: LoopOptions): Loop {
  const stopping = new AbortController();
  const { signal } = stopping;
  let woken = false;
  let failures = 0;
  let endWait = () => {};
  let endBackoff = () => {};
  let alarm: { readonly timer: NodeJS.Timeout; readonly at: number } | undefined;

  const waitForWake = (ms: number | undefined): Promise<void> => {
    const waiting = new AbortController();
    endWait = () => waiting.abort();
    const ended = AbortSignal.any([signal, waiting.signal]);
    if (ms !== undefined) return clock.sleep(ms, ended);
    return new Promise((resolve) => {
      if (ended.aborted) resolve();
      else ended.addEventListener('abort', () => resolve());
    });
  };

  const backOff = (): Promise<void> => {
    const waiting = new AbortController();
    endBackoff = () => waiting.abort();
    return clock.sleep(backoffDelay(failures, random(), 0, backoff), AbortSignal.any([signal, waiting.signal]));
  };

  const run = async () => {
    while (!signal.aborted) {
      woken = false;
      try {
        const waitMs = await step(signal);
        failures = 0;
        if (waitMs !== 0 && !woken && !signal.aborted) await waitForWake(waitMs);
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        onFailure(error, failures);
        await backOff();
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
      wake();
      endBackoff();
    },
    async stop() {
      stopping.abort();
      clearTimeout(alarm?.timer);
      await running;
    },
  };
}
