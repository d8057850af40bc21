/** The resource `outgoing-response` of wasi:http/types. */
import type { ResponseHead } from '@skerry/shared/http/http.ts';
import type { CallSignal } from '../../io/gate.ts';
import { type Fields, receivedFields, sealFields } from './fields.ts';
import { OutgoingBody } from './outgoing-body.ts';

export class OutgoingResponse {
  readonly #headers: Fields;
  readonly #signal: CallSignal;
  #status = 200;
  #body: OutgoingBody | undefined;

  /** @param signal of the call in progress; the glue passes the first argument only, see `typesOf` */
  constructor(headers: Fields, signal: CallSignal) {
    sealFields(headers);
    this.#headers = headers;
    this.#signal = signal;
  }

  static headOf(response: OutgoingResponse): ResponseHead {
    return { status: response.#status, headers: sealFields(response.#headers) };
  }

  /** Undefined when the guest has not asked for a body: then it is empty. */
  static bodyOf(response: OutgoingResponse): OutgoingBody | undefined {
    return response.#body;
  }

  statusCode(): number {
    return this.#status;
  }

  /** An error for a status that is not that of a final response (RFC 9110, section 15). */
  setStatusCode(status: number): void {
    if (!Number.isInteger(status) || status < 200 || status > 599) throw undefined;
    this.#status = status;
  }

  headers(): Fields {
    return receivedFields(sealFields(this.#headers));
  }

  /** Once; the second time it is an error. */
  body(): OutgoingBody {
    if (this.#body) throw undefined;
    this.#body = OutgoingBody.of('response', this.#headers, this.#signal);
    return this.#body;
  }

  /** Dropped without having been sent: its body has no reader. */
  [Symbol.dispose](): void {
    if (this.#body) OutgoingBody.breakOff(this.#body);
  }
}
