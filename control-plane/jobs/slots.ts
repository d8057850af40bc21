/** How many invocations run at one time: whoever comes when all slots are taken waits its turn, first come first served. */

export type Slots = {
  /** Resolves with the way to give the slot back, or with undefined when the signal aborts first. */
  take(signal: AbortSignal): Promise<(() => void) | undefined>;
  readonly free: number;
};

export function createSlots(count: number): Slots {
  let free = count;
  const waiting = new Set<() => void>();
  const give = () => {
    const [next] = waiting;
    if (next) next();
    else free += 1;
  };
  const once = () => {
    let given = false;
    return () => {
      if (given) return;
      given = true;
      give();
    };
  };
  return {
    take(signal) {
      if (signal.aborted) return Promise.resolve(undefined);
      if (free > 0) {
        free -= 1;
        return Promise.resolve(once());
      }
      return new Promise((resolve) => {
        const leave = () => {
          waiting.delete(enter);
          signal.removeEventListener('abort', onAbort);
        };
        const enter = () => {
          leave();
          resolve(once());
        };
        const onAbort = () => {
          leave();
          resolve(undefined);
        };
        waiting.add(enter);
        signal.addEventListener('abort', onAbort);
      });
    },
    get free() {
      return free;
    },
  };
}
