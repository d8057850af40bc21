/** Polls until a child has reached a state. */
import { setTimeout as delay } from 'node:timers/promises';
import { CliFailure } from '../terminal/failure.ts';
import type { Child } from './child.ts';

export type Wait = {
  /** Describes the state in the message: "the control plane to be ready". */
  readonly what: string;
  /** The process that is to reach the state. Its end ends the wait. */
  readonly child: Child;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
};

const intervalMs = 50;

/**
 * Calls `ask` until it answers something other than undefined. An error of `ask` counts as "not yet".
 * @throws CliFailure at the time limit, `ChildEnded` when the child ends, the signal's reason when it is aborted
 */
export async function until<Answer>(ask: () => Promise<Answer | undefined>, wait: Wait): Promise<Answer> {
  const { what, child, timeoutMs, signal } = wait;
  const deadline = performance.now() + timeoutMs;
  const ended = child.exited.then((): 'ended' => 'ended');
  let lastError: unknown;
  while (performance.now() < deadline) {
    const answer = await Promise.race([ended, ask().catch(keepError)]);
    signal.throwIfAborted();
    if (answer === 'ended') throw new ChildEnded(child);
    if (answer !== undefined) return answer as Answer;
    await Promise.race([ended, delay(intervalMs, undefined, { signal })]);
  }
  const detail = lastError instanceof Error ? ` (${lastError.message})` : '';
  throw new CliFailure('failed', `waited ${timeoutMs / 1000} s for ${what}${detail}; its log: ${child.logFile}`);

  function keepError(error: unknown): undefined {
    lastError = error;
    return undefined;
  }
}

/** A child ended that should have gone on. */
export class ChildEnded extends Error {
  readonly child: Child;

  constructor(child: Child) {
    super(`the ${child.title} ended`);
    this.name = 'ChildEnded';
    this.child = child;
  }
}
