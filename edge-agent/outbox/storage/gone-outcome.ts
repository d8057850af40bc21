/**
 * What becomes of an event whose function shall not be on this device any more: a dead letter with its input, so that
 * it can be run again elsewhere. The event was acknowledged, and is not to be lost.
 */
import type { RecordedOutcome } from '@skerry/shared/tunnel/protocol.ts';
import type { KeptEvent } from './operations.ts';

/** @param now in milliseconds since the epoch */
export function goneOutcome(event: KeptEvent, now: number): RecordedOutcome {
  const { id, function: fn, trigger, origin, createdAt, attempts, input } = event;
  const result = { ok: false, code: 'code_unavailable', message: 'the function is no longer on this agent' } as const;
  const times = { createdAt, startedAt: now, endedAt: now };
  return { id, function: fn, trigger, origin, revision: 0, attempts, ...times, input, result };
}
