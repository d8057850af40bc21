/**
 * One HTTP call of a guest: the request and the outparam for its handler, and the end of the call.
 *
 * After the handler has returned no code of the guest runs, so an unfinished body will never be finished: it is broken
 * off.
 */
import type { CallChannel, PartSource } from '../../protocol/channel.ts';
import type { RunnerResult } from '../../protocol/wire.ts';
import type { CallSignal } from '../io/gate.ts';
import { IncomingRequest } from './messages/incoming-messages.ts';
import { OutgoingBody } from './messages/outgoing-body.ts';
import { ResponseOutparam } from './response-outparam.ts';

export type GuestExchange = {
  readonly request: IncomingRequest;
  readonly outparam: ResponseOutparam;
  /** The handler has returned. */
  returned(): RunnerResult;
  /** The handler will never return: an answer that it has begun is broken off. */
  abandoned(): void;
};

const nothing = new Uint8Array(0);

/**
 * @param signal of the instance's call in progress, this one or a later one
 * @throws Error when the call did not come with a request
 */
export function createExchange(channel: CallChannel, signal: CallSignal): GuestExchange {
  const { request: head } = channel;
  if (!head) throw new Error('a call without a request');
  const source = endable(channel.body);
  const outparam = ResponseOutparam.of({
    answer: (response) => channel.answer(response),
    headOnly: head.method === 'HEAD',
  });
  const close = () => {
    ResponseOutparam.close(outparam);
    source.close();
    const given = ResponseOutparam.givenBy(outparam);
    if (given.kind === 'answer') OutgoingBody.breakOff(given.body);
    return given;
  };
  return {
    request: IncomingRequest.of(head, { source, signal }),
    outparam,
    returned() {
      const given = close();
      if (given.kind === 'nothing') return failed('function_no_answer', 'it returned without an answer');
      if (given.kind === 'error') return failed('function_http_error', describe(given.code));
      if (OutgoingBody.endOf(given.body) === 'whole') return { ok: true, output: nothing };
      return failed('function_http_error', 'HTTP-response-incomplete: the body of its answer was not finished');
    },
    abandoned: close,
  };
}

/** The request's body, which ends with the call: a guest may keep its stream. */
function endable(source: PartSource): PartSource & { close(): void } {
  let closed = false;
  return {
    take: (length) => source.take(length),
    get ended() {
      return source.ended;
    },
    get failure() {
      return source.failure ?? (closed ? new Error('the call is over') : undefined);
    },
    get trailers() {
      return source.trailers;
    },
    ready: () => source.ready(),
    drop: () => source.drop(),
    close() {
      closed = true;
      source.drop();
    },
  };
}

const failed = (code: 'function_no_answer' | 'function_http_error', message: string): RunnerResult => ({
  ok: false,
  code,
  message,
});

/** Characters of a message from the guest. */
const messageLength = 1_000;

/** The case's name, and the message that some have. */
function describe({ tag, val }: { readonly tag: string; readonly val?: unknown }): string {
  return (typeof val === 'string' ? `${tag}: ${val}` : String(tag)).slice(0, messageLength);
}
