/**
 * Functions that one agent holds back because they ended their runner several times, by its last report. A report
 * counts until the next status, or until its time is up.
 */
import type { FrameOf, ToControl } from '@skerry/shared/tunnel/protocol.ts';

type HeldFunctions = {
  /** The agent's report; absent from agents that do not report it. */
  update(held: FrameOf<ToControl, 'status'>['held']): void;
  /** Milliseconds until the agent lets a call of it through as a trial; undefined when it is not held back. */
  retryInMs(functionId: string): number | undefined;
};

/** @param now in milliseconds */
export function createHeldFunctions(now: () => number): HeldFunctions {
  let until = new Map<string, number>();
  return {
    update(held = []) {
      const at = now();
      until = new Map(held.map(({ function: id, retryInMs }) => [id, at + retryInMs]));
    },
    retryInMs(functionId) {
      const end = until.get(functionId);
      return end === undefined ? undefined : Math.max(0, end - now());
    },
  };
}
