/** Wakes one that waits. A ring that nobody waits for is heard by the next who does. */

export type Wakeup = {
  wake(): void;
  /** Rings after so many milliseconds; of several moments that were asked for the earliest counts. */
  wakeIn(ms: number): void;
  /** Forgets a ring: whoever looks for work now finds what it was rung for. */
  clear(): void;
  /**
   * True at the next ring; false after so many milliseconds without one (absent: however long that takes), or when the
   * signal aborts. For one at a time.
   */
  wait(until?: { readonly withinMs?: number; readonly signal?: AbortSignal }): Promise<boolean>;
};

/** Its moments to come keep no process alive. */
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
