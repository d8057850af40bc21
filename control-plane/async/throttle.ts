/**
 * Throttles an expensive refresh that many parts request: requests that arrive while one waits for its time share the
 * next.
 */
import { setTimeout as wait } from 'node:timers/promises';

/**
 * Resolves after a refresh that began no earlier than the call.
 * @param now monotonic, in milliseconds
 * @param spaceMs milliseconds between the starts of two refreshes
 */
export function createThrottle(refresh: () => Promise<void>, now: () => number, spaceMs: number) {
  let beganAt = Number.NEGATIVE_INFINITY;
  let next: Promise<void> | undefined;
  const run = async () => {
    await wait(Math.max(0, beganAt + spaceMs - now()));
    beganAt = now();
    next = undefined;
    await refresh();
  };
  return (): Promise<void> => {
    next ??= run();
    return next;
  };
}
