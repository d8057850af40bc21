/** Decides the next step after an attempt to run an event. Pure. */
import type { OutcomeCode } from '@skerry/shared/errors.ts';
import { afterFailure, type FailureFacts } from '@skerry/shared/function/retry.ts';

export type EventVerdict =
  /** The event has ended: a retry would change nothing. */
  | 'end'
  /** The failure costs an attempt. */
  | 'failed'
  /** The failure costs no attempt; the event is unchanged. */
  | 'refused';

const verdicts = { final: 'end', attempt: 'failed', again: 'refused' } as const;

/** @param code of the failure */
export function verdictOn(code: OutcomeCode, facts: FailureFacts): EventVerdict {
  return verdicts[afterFailure(code, facts)];
}
