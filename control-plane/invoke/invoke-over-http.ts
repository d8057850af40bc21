/**
 * A wasi:http function called without HTTP: JSON in, JSON out, through the same invocation (see
 * shared/http/http-json.ts).
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import type { ResponseHead } from '@skerry/shared/http/http.ts';
import { jsonRequestHead, outputTooLarge, toJsonOutput } from '@skerry/shared/http/http-json.ts';
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
  const { stream, collected } = collect(limit, tooLarge);
  const signals = signal ? AbortSignal.any([signal, tooLarge.signal]) : tooLarge.signal;
  const http = given ?? jsonRequestHead(authority, input);
  const result = await invoker.invoke({ function: fn, input, http, stream, signal: signals, ...how });
  const { head = result.head, whole, body } = collected(result.output);
  if (!head) throw new SkerryError('function_no_answer', 'the function gave no answer');
  if (!whole) throw new SkerryError('agent_lost', 'the agent ended the call before the end of the body');
  if (body.byteLength > limit) throw outputTooLarge(limit);
  return { ...result, output: toJsonOutput(head, body) };
}

type Collected = { readonly head: ResponseHead | undefined; readonly whole: boolean; readonly body: Uint8Array };

/** Collects a streamed body, up to `limit` bytes, in one growing buffer; without parts, the output counts. */
function collect(limit: number, tooLarge: AbortController) {
  let body = Buffer.alloc(0);
  let size = 0;
  let head: ResponseHead | undefined;
  let whole = false;
  const stream: CallStream = {
    head(begun) {
      head = begun;
    },
    part({ bytes, last }: BodyPart, taken) {
      if (size + bytes.byteLength > limit) return tooLarge.abort(outputTooLarge(limit));
      if (size + bytes.byteLength > body.byteLength) {
        const larger = Buffer.alloc(Math.min(limit, Math.max(2 * body.byteLength, size + bytes.byteLength)));
        larger.set(body.subarray(0, size));
        body = larger;
      }
      body.set(bytes, size);
      size += bytes.byteLength;
      whole = last;
      taken(bytes.byteLength);
    },
  };
  const collected = (output: Uint8Array): Collected =>
    head ? { head, whole, body: body.subarray(0, size) } : { head, whole: true, body: output };
  return { stream, collected };
}
