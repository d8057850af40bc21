/** Polls until a state is reached. */
import { setTimeout as delay } from 'node:timers/promises';

export type Wait = {
  /** Describes the state in the message: "the control plane to be ready". */
  readonly what: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
};

const intervalMs = 100;

/**
 * Calls `ask` until it answers something other than undefined. An error of `ask` counts as "not yet".
 * @throws Error at the time limit, the signal's reason when it is aborted
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
