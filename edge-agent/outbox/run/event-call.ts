/** One attempt to run an event, through the agent's gate: an HTTP request for a wasi:http function, JSON for others. */
import { type OutcomeCode, SkerryError, toOutcomeCode, toSkerryError } from '@skerry/shared/errors.ts';
import type { ResponseHead } from '@skerry/shared/http/http.ts';
import { jsonRequestHead, outputTooLarge, toJsonOutput } from '@skerry/shared/http/http-json.ts';
import type { Result } from '@skerry/shared/result.ts';
import type { DesiredFunction } from '@skerry/shared/tunnel/protocol.ts';
import type { InvocationGate, InvocationOutcome } from '../../invoke/invocation-gate.ts';

export type EventAttempt = {
  readonly result: Result<OutcomeCode>;
  /** The call was given to the runner: it may have had effects. */
  readonly started: boolean;
  readonly revision: number;
  /** Time in a thread, waiting included. */
  readonly durationUs: number;
};

/** No caller named the function by a host; the control plane uses the same value for queued invocations. */
const authority = 'localhost';

type CallGate = Pick<InvocationGate, 'invoke' | 'credit' | 'cancel'>;

/** Never rejects. @param id of the invocation, the same in every attempt */
export async function callForEvent(
  gate: CallGate,
  fn: DesiredFunction,
  id: string,
  input: Uint8Array,
): Promise<EventAttempt> {
  let started = false;
  const onStart = () => {
    started = true;
  };
  const invocation = { id, function: fn.id, input, timeoutMs: fn.limits.timeout_ms };
  if (!fn.http) return attemptOf(await gate.invoke(invocation, { onStart }), started);

  const answer = collectAnswer(gate, id, fn.limits.output_bytes);
  const http = jsonRequestHead(authority, input);
  const outcome = await gate.invoke({ ...invocation, http }, { onStart, ...answer.events });
  return attemptOf({ ...outcome, result: answer.resultOf(outcome) }, started);
}

function attemptOf({ result, revision, durationUs }: InvocationOutcome, started: boolean): EventAttempt {
  return { result, revision, durationUs, started };
}

/** Collects a streamed answer, up to the limit. */
function collectAnswer(gate: CallGate, id: string, limit: number) {
  const parts: Uint8Array[] = [];
  let size = 0;
  let head: ResponseHead | undefined;
  let end: 'no' | 'last' | 'failed' = 'no';
  let tooLarge = false;
  const events = {
    onHead(begun: ResponseHead) {
      head = begun;
    },
    onPart(part: { bytes: Uint8Array; end: 'no' | 'last' | 'failed' }) {
      end = part.end;
      size += part.bytes.byteLength;
      if (size > limit) {
        if (!tooLarge) gate.cancel(id);
        tooLarge = true;
        return;
      }
      if (part.bytes.byteLength === 0) return;
      parts.push(Uint8Array.from(part.bytes));
      gate.credit(id, part.bytes.byteLength);
    },
  };
  const resultOf = ({ result, head: wholeHead }: InvocationOutcome): InvocationOutcome['result'] => {
    try {
      if (tooLarge) throw outputTooLarge(limit);
      if (!result.ok) return result;
      if (head && end !== 'last') throw new SkerryError('function_output_invalid', 'its answer was not finished');
      const given = head ?? wholeHead;
      if (!given) throw new SkerryError('function_no_answer', 'the function gave no answer');
      return { ok: true, output: toJsonOutput(given, head ? Buffer.concat(parts, size) : result.output) };
    } catch (error) {
      const { code, message } = toSkerryError(error);
      return { ok: false, code: toOutcomeCode(code), message };
    }
  };
  return { events, resultOf };
}
