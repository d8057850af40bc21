/**
 * Delay before the next attempt: exponential with full jitter, never below what the other side asked for.
 * Pure; whoever calls it owns the timer. Full jitter because it spreads a reconnect storm best
 * (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015).
 */

export type BackoffOptions = {
  /** Upper bound of the first delay, in milliseconds. */
  readonly baseMs: number;
  /** Upper bound of every delay, in milliseconds, unless the floor is higher. */
  readonly capMs: number;
};

export const reconnectBackoff: BackoffOptions = { baseMs: 500, capMs: 30_000 };

/**
 * @param attempt how many attempts have failed in a row, from 1
 * @param random a number in [0, 1)
 * @param floorMs the least the other side asks us to wait; jitter is added above it, so that a floor given to
 *   many does not bring them all back at once
 * @returns milliseconds to wait
 */
export function backoffDelay(
  attempt: number,
  random: number,
  floorMs = 0,
  { baseMs, capMs }: BackoffOptions = reconnectBackoff,
): number {
  const exponent = Math.min(Math.max(attempt, 1) - 1, 30);
  const ceiling = Math.min(capMs, baseMs * 2 ** exponent);
  return Math.round(floorMs + random * ceiling);
}
