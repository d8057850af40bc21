/** Waiting for something to come about, by asking. */
import { setTimeout as delay } from 'node:timers/promises';

export type Wait = {
  /** What is waited for, for the message: "the control plane to be ready". */
  readonly what: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
};

const intervalMs = 100;

/**
 * Asks until there is an answer other than undefined. An error of `ask` counts as "not yet", until time is up.
 * @throws Error when time is up, the signal's reason when it is aborted
 */
export async function until<Answer>(
  ask: () => Promise<Answer | undefined>,
  { what, timeoutMs, signal }: Wait,
): Promise<Answer> {
  const deadline = performance.now() + timeoutMs;
  let last = '';
  while (performance.now() < deadline) {
    const answer = await ask().catch((error: Error) => {
      last = ` (${error.message})`;
      return undefined;
    });
    signal.throwIfAborted();
    if (answer !== undefined) return answer;
    await delay(intervalMs, undefined, { signal });
  }
  throw new Error(`waited ${timeoutMs / 1_000} s for ${what}${last}`);
}
