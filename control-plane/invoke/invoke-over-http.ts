/**
 * A wasi:http function called without HTTP: JSON in, JSON out, through the same invocation (see
 * shared/http/http-json.ts).
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import { AnswerCollector } from '@skerry/shared/http/answer-collector.ts';
import { jsonRequestHead, outputTooLarge } from '@skerry/shared/http/http-json.ts';
import type { BodyPart, CallStream } from '../tunnel/calls/streams.ts';
import type { InvocationOutcome, InvocationRequest, Invoker } from './invoker.ts';

/**
 * The output is the body of the answer, or `null` when it is empty. A request in the invocation replaces the one that
 * is made from the input. Rejects as `invoke` does, with `function_error` for a status of 400 or above, and with
 * `function_output_too_large`.
 */
export async function invokeForJson(
  invoker: Invoker,
  { function: fn, input, signal, http: given, ...how }: InvocationRequest,
  authority: string,
): Promise<InvocationOutcome> {
  const limit = fn.manifest.limits.output_bytes;
  if (input.byteLength > fn.manifest.limits.input_bytes) {
    throw new SkerryError('payload_too_large', `the function takes ${fn.manifest.limits.input_bytes} bytes of input`);
  }
  const tooLarge = new AbortController();
  const answer = new AnswerCollector(limit);
  const stream: CallStream = {
    head: (head) => answer.begin(head),
    part({ bytes, last }: BodyPart, taken) {
      if (answer.add(bytes, last)) taken(bytes.byteLength);
      else tooLarge.abort(outputTooLarge(limit));
    },
  };
  const signals = signal ? AbortSignal.any([signal, tooLarge.signal]) : tooLarge.signal;
  const http = given ?? jsonRequestHead(authority, input);
  const result = await invoker.invoke({ function: fn, input, http, stream, signal: signals, ...how });
  const incomplete = new SkerryError('agent_lost', 'the agent ended the call before the end of the body');
  return { ...result, output: answer.toOutput(result.head, result.output, incomplete) };
}
