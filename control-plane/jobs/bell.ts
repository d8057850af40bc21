/** Wakes one that waits. A ring that nobody waits for is heard by the next who does. */

export type Bell = {
  ring(): void;
  /** True at the next ring, false after so many milliseconds without one. For one at a time. */
  heard(withinMs: number): Promise<boolean>;
};

export function createBell(): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    heard: (withinMs) =>
      new Promise((resolve) => {
        const end = () => {
          clearTimeout(timer);
          wake = undefined;
          resolve(rung);
          rung = false;
        };
        const timer = setTimeout(end, withinMs);
        wake = end;
        if (rung) end();
      }),
  };
}
