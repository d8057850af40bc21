/** The consequence of an attempt to run an event. Pure. */
import { type OutcomeCode, SkerryError } from '@skerry/shared/errors.ts';

export type Verdict =
  /** It is over, with an output or an error. */
  | 'end'
  /** The function failed; an attempt is used up. */
  | 'failed'
  /** Nothing has started, or another function ended it; the event is as it was. */
  | 'refused';

/** Trying again would change nothing. */
const final: ReadonlySet<OutcomeCode> = new Set(['payload_too_large', 'event_invalid']);
/** Reported before anything starts, and yet an attempt: waiting for room does not help. */
const costly: ReadonlySet<OutcomeCode> = new Set(['function_load_failed']);

export type Circumstances = {
  /** The call was given to the runner: it may have had effects. */
  readonly started: boolean;
  /** The agent is shutting down, and ends running calls: that is not the function's fault. */
  readonly stopping: boolean;
  /** The loss of the runner counts against the event: no other function is as likely to have caused it. */
  readonly blamed: boolean;
};

/** @param code of the failure */
export function verdictOn(code: OutcomeCode, { started, stopping, blamed }: Circumstances): Verdict {
  if (final.has(code)) return 'end';
  if (stopping && (code === 'runner_lost' || code === 'cancelled')) return 'refused';
  if (code === 'runner_lost' && !blamed) return 'refused';
  if (new SkerryError(code, '').retryable) return 'refused';
  return started || costly.has(code) ? 'failed' : 'refused';
}
