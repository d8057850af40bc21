/** What follows from an attempt to run an event. Pure. */
import { type OutcomeCode, SkerryError } from '@skerry/shared/errors.ts';

export type Verdict =
  /** It is over, one way or the other. */
  | 'end'
  /** The function failed; an attempt is used up. */
  | 'failed'
  /** Nothing has started, and the event is as it was. */
  | 'refused';

/** Trying again would change nothing. */
const final: ReadonlySet<OutcomeCode> = new Set(['payload_too_large', 'event_invalid']);
/** Said before anything starts, and yet an attempt: it does not go away by waiting for room. */
const costly: ReadonlySet<OutcomeCode> = new Set(['function_load_failed']);

/**
 * @param code of the failure
 * @param started the call was handed to the runner: it may have had effects
 * @param stopping the agent is shutting down, and ends what runs: that is not the function's fault
 */
export function verdictOn(code: OutcomeCode, started: boolean, stopping: boolean): Verdict {
  if (final.has(code)) return 'end';
  if (stopping && (code === 'runner_lost' || code === 'cancelled')) return 'refused';
  if (new SkerryError(code, '').retryable) return 'refused';
  return started || costly.has(code) ? 'failed' : 'refused';
}
