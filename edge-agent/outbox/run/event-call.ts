/** One attempt to run an event, through the agent's gate: an HTTP request for a wasi:http function, JSON for others. */
import { type OutcomeCode, SkerryError, toOutcomeCode, toSkerryError } from '@skerry/shared/errors.ts';
import { AnswerCollector } from '@skerry/shared/http/answer-collector.ts';
import type { ResponseHead } from '@skerry/shared/http/http.ts';
import { jsonRequestHead } from '@skerry/shared/http/http-json.ts';
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
const nothing = new Uint8Array(0);

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

/** The events of a streamed answer, up to the limit, and the result that they make. */
function collectAnswer(gate: CallGate, id: string, limit: number) {
  const answer = new AnswerCollector(limit);
  const events = {
    onHead: (head: ResponseHead) => answer.begin(head),
    onPart({ bytes, end }: { bytes: Uint8Array; end: 'no' | 'last' | 'failed' }) {
      const wasTooLarge = answer.isTooLarge;
      if (answer.add(bytes, end === 'last')) {
        if (bytes.byteLength > 0) gate.credit(id, bytes.byteLength);
      } else if (!wasTooLarge) gate.cancel(id);
    },
  };
  const resultOf = ({ result, head }: InvocationOutcome): InvocationOutcome['result'] => {
    if (!result.ok && !answer.isTooLarge) return result;
    try {
      const incomplete = new SkerryError('function_output_invalid', 'its answer was not finished');
      return { ok: true, output: answer.toOutput(head, result.ok ? result.output : nothing, incomplete) };
    } catch (error) {
      const { code, message } = toSkerryError(error);
      return { ok: false, code: toOutcomeCode(code), message };
    }
  };
  return { events, resultOf };
}
