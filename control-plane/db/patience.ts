/** Waits for a database that is away, on behalf of work that must not be lost and has no other retry. */
import { backoffDelay } from '@skerry/shared/backoff.ts';
import { sleep } from '@skerry/shared/clock.ts';
import { SkerryError } from '@skerry/shared/errors.ts';

const pace = { baseMs: 200, capMs: 2_000 };

/**
 * The work's result, after any number of tries. Rejects with every other error, and with `store_unavailable` when the
 * signal aborts first.
 */
export async function whileAway<T>(work: () => Promise<T>, signal: AbortSignal, random = Math.random): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SkerryError && error.code === 'store_unavailable') || signal.aborted) throw error;
      await sleep(backoffDelay(attempt, random(), 50, pace), signal);
    }
  }
}
