/** A refresh that many ask for and that is costly: those who ask while one has to wait for its time share the next. */
import { setTimeout as wait } from 'node:timers/promises';

/**
 * Resolves after a refresh that began no earlier than the call.
 * @param now monotonic, in milliseconds
 * @param spaceMs between the beginnings of two refreshes
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
