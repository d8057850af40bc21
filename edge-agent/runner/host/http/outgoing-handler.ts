/**
 * wasi:http/outgoing-handler, and the resource `future-incoming-response`. The agent sends the request, if the function
 * was granted its host. A failure comes back as an error-code, which is a value to the guest.
 *
 * Invariant: a request is given up when its answer can no longer be read, at the latest with its call.
 */
import type { CallChannel, Fetch } from '../../protocol/channel.ts';
import { type CallSignal, createGate } from '../io/gate.ts';
import { Pollable } from '../io/pollable.ts';
import { type ErrorCode, errorCode } from './messages/error-code.ts';
import { IncomingResponse } from './messages/incoming-messages.ts';
import { OutgoingBody } from './messages/outgoing-body.ts';
import { OutgoingRequest } from './messages/outgoing-request.ts';
import { RequestOptions } from './messages/request-options.ts';

/** Requests of one call in progress at once; a further one is an error to the guest. */
const maxUnderWay = 64;

type Result<T> = { readonly tag: 'ok'; readonly val: T } | { readonly tag: 'err'; readonly val?: ErrorCode };

type Response = Awaited<Fetch['response']>;

type Waiting = { readonly response: Promise<Response>; readonly signal: CallSignal; readonly release: () => void };

export class FutureIncomingResponse {
  #waiting: Waiting | undefined;
  #response: Response | undefined;
  #given = false;

  static of(waiting: Waiting): FutureIncomingResponse {
    const future = new FutureIncomingResponse();
    future.#waiting = waiting;
    void waiting.response.then((response) => {
      future.#response = response;
    });
    return future;
  }

  subscribe(): Pollable {
    const { response, signal } = this.#open();
    const gate = createGate(
      () => this.#response !== undefined,
      async () => {
        await response;
      },
    );
    return Pollable.of(gate, signal);
  }

  /** Nothing yet; then, once, the response or an error-code; then an error. */
  get(): Result<Result<IncomingResponse>> | undefined {
    const { signal, release } = this.#open();
    if (!this.#response) return undefined;
    if (this.#given) return { tag: 'err' };
    this.#given = true;
    if ('error' in this.#response) return { tag: 'ok', val: { tag: 'err', val: errorCode(this.#response.error) } };
    const { head, body } = this.#response;
    return { tag: 'ok', val: { tag: 'ok', val: IncomingResponse.of(head, { source: body, signal, release }) } };
  }

  [Symbol.dispose](): void {
    if (!this.#given) this.#waiting?.release();
    this.#waiting = undefined;
  }

  #open(): Waiting {
    if (!this.#waiting) throw new Error('a response that is gone');
    return this.#waiting;
  }
}

/** @param current channel of the call in progress */
export function createOutgoingHandler(current: () => CallChannel) {
  const signal = () => current().signal;
  const underWay = new Set<Fetch>();

  const send = (request: OutgoingRequest, options: RequestOptions | undefined): FutureIncomingResponse => {
    const head = underWay.size < maxUnderWay ? OutgoingRequest.headOf(request) : errorCode('connection-limit-reached');
    if ('tag' in head) {
      request[Symbol.dispose]();
      throw head;
    }
    const fetch = current().fetch({ head, ...RequestOptions.millisecondsOf(options) });
    underWay.add(fetch);
    const release = () => {
      if (underWay.delete(fetch)) fetch.abort();
    };
    const body = OutgoingRequest.bodyOf(request);
    if (body) OutgoingBody.connect(body, fetch.body);
    else fetch.body.end();
    void fetch.response.then((response) => {
      if ('error' in response) underWay.delete(fetch);
    });
    return FutureIncomingResponse.of({ response: fetch.response, signal, release });
  };

  return {
    handler: { handle: send },
    /** The call is over. */
    end(): void {
      for (const fetch of underWay) fetch.abort();
      underWay.clear();
    },
  };
}
