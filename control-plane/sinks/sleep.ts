/** How a loop rests: until it is woken, or for a while whatever wakes it. Ends at once when the signal aborts. */

export type Sleep = {
  /** Ends a sleep, or keeps the next one from beginning. */
  wake(): void;
  /** Wakes after so many milliseconds, or at an earlier moment that was asked for before. */
  wakeIn(ms: number): void;
  /** Forgets that it was woken: whoever looks for work now finds what it was woken for. */
  clear(): void;
  untilWoken(): Promise<void>;
  /** So many milliseconds, woken or not. */
  rest(ms: number): Promise<void>;
};

export function createSleep(signal: AbortSignal): Sleep {
  let woken = false;
  let end: (() => void) | undefined;
  let alarm: { readonly timer: NodeJS.Timeout; readonly at: number } | undefined;

  const wake = () => {
    woken = true;
    end?.();
  };
  signal.addEventListener(
    'abort',
    () => {
      clearTimeout(alarm?.timer);
      wake();
    },
    { once: true },
  );

  return {
    wake,
    wakeIn(ms) {
      const at = performance.now() + ms;
      if (signal.aborted || (alarm && alarm.at <= at)) return;
      clearTimeout(alarm?.timer);
      const ring = () => {
        alarm = undefined;
        wake();
      };
      alarm = { at, timer: setTimeout(ring, ms) };
    },
    clear() {
      woken = false;
    },
    async untilWoken() {
      if (woken || signal.aborted) return;
      await new Promise<void>((resolve) => {
        end = resolve;
      });
      end = undefined;
    },
    rest(ms) {
      if (signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const over = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', over);
          resolve();
        };
        const timer = setTimeout(over, Math.max(0, ms));
        signal.addEventListener('abort', over, { once: true });
      });
    },
  };
}
