/**
 * The retry policy: how often an invocation or a delivery is tried, the wait between attempts, and what a failure costs.
 * Manifests and sinks use the same schema. The control plane and the agent use the same rule.
 */
import * as z from 'zod';
import { type ErrorCode, errorKinds } from '../errors.ts';

/** @param attempts the default number of attempts in all */
export const retrySchema = (attempts: number) =>
  z
    .strictObject({
      /** Attempts in all; 1: no retry. */
      attempts: z.int().min(1).max(1_000).default(attempts),
      /** Upper bound of the first wait, in milliseconds. The bound doubles with each further wait (see backoff.ts). */
      base_ms: z.int().min(10).max(3_600_000).default(1_000),
      /** Upper bound of every wait, in milliseconds. */
      cap_ms: z.int().min(10).max(86_400_000).default(60_000),
    })
    .prefault({});

/** A complete policy, all defaults filled in. */
export type Retry = z.output<ReturnType<typeof retrySchema>>;

/** The facts about a failed attempt, apart from its code. */
export type FailureFacts = {
  /** The function may have had effects. True where that is not known. */
  readonly started: boolean;
  /** A lost runner counts against this invocation: no other function is as likely to have caused it. */
  readonly blamed: boolean;
  /** The agent shuts down and ends the running invocations. */
  readonly stopping: boolean;
};

/** `again`: retry, at no cost. `attempt`: the failure costs an attempt. `final`: a retry would change nothing. */
export type AfterFailure = 'again' | 'attempt' | 'final';

const finalCodes: ReadonlySet<ErrorCode> = new Set(['payload_too_large', 'not_found', 'event_invalid']);
/** Failures before the start that cost an attempt all the same: waiting does not cure them. */
const costlyBeforeStart: ReadonlySet<ErrorCode> = new Set(['function_load_failed']);

/** A failure costs an attempt only if it is the function's fault (docs/functions.md, "Trying again"). */
export function afterFailure(code: ErrorCode, { started, blamed, stopping }: FailureFacts): AfterFailure {
  if (finalCodes.has(code)) return 'final';
  if (stopping && (code === 'runner_lost' || code === 'cancelled')) return 'again';
  if (code === 'runner_lost' && !blamed) return 'again';
  if (errorKinds[code].retryable) return 'again';
  return started || costlyBeforeStart.has(code) ? 'attempt' : 'again';
}
