/** Arriving messages with a head: the resources `incoming-request` and `incoming-response` of wasi:http/types. */
import type { RequestHead, ResponseHead } from '@skerry/shared/http/http.ts';
import { type Fields, receivedFields } from './fields.ts';
import { type Arriving, IncomingBody } from './incoming-body.ts';
import { type Method, parseMethod } from './method.ts';

type Message<Head> = { readonly head: Head; readonly body: Arriving };

export class IncomingRequest {
  #message: Message<RequestHead> | undefined;
  #consumed = false;

  static of(head: RequestHead, body: Arriving): IncomingRequest {
    const request = new IncomingRequest();
    request.#message = { head, body };
    return request;
  }

  method(): Method {
    return parseMethod(this.#open().head.method);
  }

  pathWithQuery(): string {
    return this.#open().head.path;
  }

  scheme(): { tag: string } {
    return { tag: this.#open().head.scheme === 'https' ? 'HTTPS' : 'HTTP' };
  }

  authority(): string | undefined {
    const { authority } = this.#open().head;
    return authority === '' ? undefined : authority;
  }

  headers(): Fields {
    return receivedFields(this.#open().head.headers);
  }

  /** Once; the second time it is an error. */
  consume(): IncomingBody {
    const { body } = this.#open();
    if (this.#consumed) throw undefined;
    this.#consumed = true;
    return IncomingBody.of(body);
  }

  [Symbol.dispose](): void {
    if (!this.#consumed) this.#message?.body.source.drop();
    this.#message = undefined;
  }

  #open(): Message<RequestHead> {
    if (!this.#message) throw new Error('a request that is gone');
    return this.#message;
  }
}

export class IncomingResponse {
  #message: Message<ResponseHead> | undefined;
  #consumed = false;

  static of(head: ResponseHead, body: Arriving): IncomingResponse {
    const response = new IncomingResponse();
    response.#message = { head, body };
    return response;
  }

  status(): number {
    return this.#open().head.status;
  }

  headers(): Fields {
    return receivedFields(this.#open().head.headers);
  }

  /** Once; the second time it is an error. */
  consume(): IncomingBody {
    const { body } = this.#open();
    if (this.#consumed) throw undefined;
    this.#consumed = true;
    return IncomingBody.of(body);
  }

  [Symbol.dispose](): void {
    if (!this.#consumed) this.#message?.body.release?.();
    this.#message = undefined;
  }

  #open(): Message<ResponseHead> {
    if (!this.#message) throw new Error('a response that is gone');
    return this.#message;
  }
}
