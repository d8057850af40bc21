/**
 * The outcome of an event whose function was removed from this device: a dead letter with its input, so that it can be
 * replayed elsewhere. The event was acknowledged, and must not be lost.
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
