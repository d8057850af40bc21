/** A latched wake-up signal for one waiter: a signal sent while nothing waits is kept for the next `wait`. */

export type Wakeup = {
  wake(): void;
  /** Signals after this number of milliseconds; of several such calls the earliest counts. */
  wakeIn(ms: number): void;
  /** Clears a signal: a waiter that looks for work now finds the work it was sent for. */
  clear(): void;
  /**
   * True at the next signal. False after `withinMs` without one (absent: no limit), or when the signal aborts. For one
   * waiter.
   */
  wait(until?: { readonly withinMs?: number; readonly signal?: AbortSignal }): Promise<boolean>;
};

/** Timers are unref'ed. */
export function createWakeup(): Wakeup {
  let rung = false;
  let wake: (() => void) | undefined;
  let alarm: { readonly timer: NodeJS.Timeout; readonly at: number } | undefined;

  const ring = () => {
    rung = true;
    wake?.();
  };
  return {
    wake: ring,
    wakeIn(ms) {
      const at = performance.now() + ms;
      if (alarm && alarm.at <= at) return;
      clearTimeout(alarm?.timer);
      const onTime = () => {
        alarm = undefined;
        ring();
      };
      alarm = { at, timer: setTimeout(onTime, ms).unref() };
    },
    clear() {
      rung = false;
    },
    wait: ({ withinMs, signal } = {}) =>
      new Promise((resolve) => {
        const end = () => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', end);
          wake = undefined;
          resolve(rung);
          rung = false;
        };
        const timer = withinMs === undefined ? undefined : setTimeout(end, withinMs);
        wake = end;
        signal?.addEventListener('abort', end);
        if (rung || signal?.aborted) end();
      }),
  };
}
