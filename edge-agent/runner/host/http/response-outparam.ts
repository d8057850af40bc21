/** The resource `response-outparam` of wasi:http/types: through it a handler answers, once. */
import type { ResponseHead } from '@skerry/shared/http/http.ts';
import type { PartSink } from '../../protocol/channel.ts';
import { type ErrorCode, errorCode } from './messages/error-code.ts';
import type { Fields } from './messages/fields.ts';
import { OutgoingBody } from './messages/outgoing-body.ts';
import { OutgoingResponse } from './messages/outgoing-response.ts';

/** Statuses whose answer has no body, with any headers (RFC 9110, section 6.4.1). */
const withoutBody: ReadonlySet<number> = new Set([204, 304]);

type Answering = {
  answer(head: ResponseHead): PartSink;
  /** The request's method is HEAD. */
  readonly headOnly: boolean;
};

/** The handler's answer. */
export type Given =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'error'; readonly code: ErrorCode }
  | { readonly kind: 'answer'; readonly body: OutgoingBody };

export class ResponseOutparam {
  #answering: Answering | undefined;
  #given: Given = { kind: 'nothing' };

  static of(answering: Answering): ResponseOutparam {
    const outparam = new ResponseOutparam();
    outparam.#answering = answering;
    return outparam;
  }

  static givenBy(outparam: ResponseOutparam): Given {
    return outparam.#given;
  }

  /** From then on no answer is possible: the call is over. */
  static close(outparam: ResponseOutparam): void {
    outparam.#answering = undefined;
  }

  static set(
    outparam: ResponseOutparam,
    result: { readonly tag: 'ok'; readonly val: OutgoingResponse } | { readonly tag: 'err'; readonly val: ErrorCode },
  ): void {
    const answering = outparam.#answering;
    if (!answering) throw new Error('an answer to a call that is answered');
    outparam.#answering = undefined;
    if (result.tag === 'err') {
      outparam.#given = { kind: 'error', code: result.val };
      return;
    }
    const head = OutgoingResponse.headOf(result.val);
    const given = OutgoingResponse.bodyOf(result.val);
    const body = given ?? result.val.body();
    outparam.#given = { kind: 'answer', body };
    OutgoingBody.connect(body, answering.answer(head), answering.headOnly || withoutBody.has(head.status));
    if (!given) finishEmpty(body);
  }

  /** Not supported: the tunnel has one head per answer. */
  sendInformational(_status: number, _headers: Fields): void {
    throw errorCode('informational responses are not carried');
  }
}

/** A response has no body when the guest did not ask for one; if it declares a length, it is broken off. */
function finishEmpty(body: OutgoingBody): void {
  try {
    OutgoingBody.finish(body, undefined);
  } catch {
    // A declared length without a body: the end of the body decides.
  }
}
