/**
 * Delay before the next attempt: exponential with full jitter, on top of the delay that the other side asked for.
 * Pure: the caller owns the timer. Full jitter spreads a reconnect storm best (AWS Architecture Blog, "Exponential
 * Backoff And Jitter", 2015).
 */

export type BackoffOptions = {
  /** Upper bound of the first delay, in milliseconds. */
  readonly baseMs: number;
  /** Upper bound of every delay, in milliseconds. The floor is added to it. */
  readonly capMs: number;
};

const reconnectBackoff: BackoffOptions = { baseMs: 500, capMs: 30_000 };

/**
 * @param attempt number of attempts that have failed in a row, from 1
 * @param random a number in [0, 1)
 * @param floorMs shortest delay that the other side asks for. The jitter is added to it, so that peers that got the
 *   same floor do not all come back at once
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
