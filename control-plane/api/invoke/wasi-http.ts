/**
 * The raw endpoint for functions of the world wasi:http/incoming-handler: request and answer pass unchanged, bodies in
 * parts, with never more than a window of them in memory.
 *
 * An error before the answer's head is JSON as everywhere. After the head the connection is cut, which is all that HTTP
 * offers, and the error is logged and counted.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SkerryError, toSkerryError } from '@skerry/shared/errors.ts';
import type { Headers, ResponseHead } from '@skerry/shared/http/http.ts';
import { toJsonOutput } from '@skerry/shared/http/http-json.ts';
import { maxPartBytes } from '@skerry/shared/http/http-limits.ts';
import type { AnswerStream, InvocationOutcome, Invoker } from '../../invoke/invoker.ts';
import type { Logger } from '../../log/log.ts';
import type { RouteMetrics } from '../../metrics/request-metrics.ts';
import type { CatalogFunction } from '../../model/catalog-function.ts';
import type { SinkableCall } from '../../outcomes/sync-outcome.ts';
import { readBody } from '../http/body.ts';
import { createHttpAnswer, type HttpAnswer } from './http-answer.ts';
import { isSmall, toRequestHead } from './http-request.ts';
import { bodyTooLarge, sendBody } from './http-upload.ts';

type HttpCall = {
  readonly function: CatalogFunction;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** Aborts when the caller disconnects, and when the body cannot be sent or written. */
  readonly end: AbortController;
  readonly requestId: string;
  /** Present where a sink selects the outcome. */
  readonly wanted: SinkableCall | undefined;
  /** Headers of the request that say how to run it. */
  readonly how: { readonly agent?: string; readonly traceparent?: string };
};

type HttpCallOptions = {
  readonly invoker: Invoker;
  readonly metrics: Pick<RouteMetrics, 'brokenOff'>;
  readonly log: Logger;
};

const nothing = new Uint8Array(0);

/**
 * Calls the function and writes its answer.
 * @throws SkerryError when there is no answer, and nothing has been written
 */
export async function callOverHttp(call: HttpCall, { invoker, metrics, log }: HttpCallOptions): Promise<void> {
  const { function: fn, incoming, outgoing, end, requestId, wanted, how } = call;
  const { body_bytes: limit, input_bytes } = fn.manifest.limits;
  const http = toRequestHead(incoming);
  if (Number(incoming.headers['content-length']) > limit) throw bodyTooLarge(limit);
  const small = isSmall(incoming, input_bytes);
  const input = small ? await readBody(incoming, Math.min(maxPartBytes, limit)) : nothing;

  const answer = createHttpAnswer(outgoing, requestId, limit);
  const upload: Pick<AnswerStream, 'begun'> = small
    ? {}
    : { begun: (to) => void sendBody(incoming, to, limit).catch((error) => end.abort(error)) };
  try {
    const stream = { ...upload, ...answerStream(answer, end) };
    const id = wanted && { id: wanted.id };
    const result = await invoker.invoke({ function: fn, input, http, stream, signal: end.signal, ...how, ...id });
    const whole = !answer.begun && result.output.byteLength <= fn.manifest.limits.output_bytes;
    finish(answer, result);
    if (wanted && whole && result.head) tell(wanted, small ? input : undefined, result.head, result);
  } catch (error) {
    wanted?.failed(small ? input : undefined, error);
    if (!answer.begun) throw error;
    if (!answer.whole) {
      answer.breakOff();
      metrics.brokenOff();
    }
    const { code, message } = toSkerryError(error);
    log.warn({ requestId, function: `${fn.module}/${fn.name}`, code, reason: message }, 'the answer failed midway');
  }
}

/** A streamed answer is not recorded: it may have any length. */
function tell(
  wanted: SinkableCall,
  input: Uint8Array | undefined,
  head: ResponseHead,
  result: InvocationOutcome,
): void {
  try {
    wanted.succeeded(input, { ...result, output: toJsonOutput(head, result.output) });
  } catch (error) {
    wanted.failed(input, error);
  }
}

/** A write that fails ends the call, with the reason. */
function answerStream(answer: HttpAnswer, end: AbortController): Pick<AnswerStream, 'head' | 'part'> {
  const attempt = (work: () => void) => {
    try {
      if (!end.signal.aborted) work();
    } catch (error) {
      end.abort(toSkerryError(error));
    }
  };
  return {
    head: (head, from) => attempt(() => answer.begin(head, originOf(from))),
    part: (part, taken) => attempt(() => answer.part(part, taken)),
  };
}

function finish(answer: HttpAnswer, result: InvocationOutcome): void {
  if (answer.whole) return;
  if (answer.begun) throw new SkerryError('agent_lost', 'the agent ended the call before the end of the body');
  if (!result.head) throw new SkerryError('function_no_answer', 'the agent ended the call without an answer');
  answer.send(result.head, result.output, result.trailers, factsOf(result));
}

/** Headers of every answer. */
function originOf({ id, agent }: Pick<InvocationOutcome, 'id' | 'agent'>): [name: string, value: string][] {
  return [
    ['x-skerry-invocation', id],
    ['x-skerry-agent', agent],
  ];
}

/** Headers of a complete answer. For a streamed one the other values are not known yet when its head leaves. */
function factsOf({ id, agent, revision, durationUs, cold }: InvocationOutcome): Headers {
  return [
    ...originOf({ id, agent }),
    ['x-skerry-revision', String(revision)],
    ['x-skerry-duration-us', String(durationUs)],
    ['x-skerry-cold', cold ? '1' : '0'],
  ];
}
