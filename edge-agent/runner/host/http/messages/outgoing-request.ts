/** The resource `outgoing-request` of wasi:http/types. The agent checks again what is checked here. */
import type { RequestHead } from '@skerry/shared/http/http.ts';
import type { CallSignal } from '../../io/gate.ts';
import type { ErrorCode } from './error-code.ts';
import { type Fields, receivedFields, sealFields } from './fields.ts';
import { type Method, nameOf, parseMethod } from './method.ts';
import { OutgoingBody } from './outgoing-body.ts';

/** WIT `scheme`, as jco represents it. */
type Scheme = { readonly tag: string; readonly val?: string };

const visible = /^[\x21-\x7e]*$/;
const authorityText = /^[A-Za-z0-9._~:[\]%-]{1,300}$/;
const schemeText = /^[A-Za-z][A-Za-z0-9+.-]{0,31}$/;
/** Characters of a path with its query; see `requestHeadSchema`. */
const longestPath = 16_384;

export class OutgoingRequest {
  readonly #headers: Fields;
  readonly #signal: CallSignal;
  #method = 'GET';
  #path: string | undefined;
  #scheme: Scheme | undefined;
  #authority: string | undefined;
  #body: OutgoingBody | undefined;

  /** @param signal of the call in progress; the glue passes the first argument only, see `typesOf` */
  constructor(headers: Fields, signal: CallSignal) {
    sealFields(headers);
    this.#headers = headers;
    this.#signal = signal;
  }

  /** The head for sending, or its fault. */
  static headOf(request: OutgoingRequest): RequestHead | ErrorCode {
    const { tag = 'HTTPS' } = request.#scheme ?? {};
    if (tag === 'other') return { tag: 'HTTP-protocol-error' };
    if (request.#authority === undefined) return { tag: 'HTTP-request-URI-invalid' };
    const path = request.#path ?? '/';
    if (path.length > longestPath) return { tag: 'HTTP-request-URI-too-long' };
    return {
      method: request.#method,
      scheme: tag === 'HTTPS' ? 'https' : 'http',
      authority: request.#authority,
      path: path.startsWith('/') ? path : `/${path}`,
      headers: sealFields(request.#headers),
    };
  }

  /** Undefined when the guest has not asked for a body: then it is empty. */
  static bodyOf(request: OutgoingRequest): OutgoingBody | undefined {
    return request.#body;
  }

  method(): Method {
    return parseMethod(this.#method);
  }

  setMethod(method: Method): void {
    const name = nameOf(method);
    if (name === undefined) throw undefined;
    this.#method = name;
  }

  pathWithQuery(): string | undefined {
    return this.#path;
  }

  setPathWithQuery(path: string | undefined): void {
    if (path !== undefined && !isText(path, visible)) throw undefined;
    this.#path = path;
  }

  scheme(): Scheme | undefined {
    return this.#scheme;
  }

  setScheme(scheme: Scheme | undefined): void {
    if (scheme?.tag === 'other' && !isText(scheme.val, schemeText)) throw undefined;
    this.#scheme = scheme;
  }

  authority(): string | undefined {
    return this.#authority;
  }

  setAuthority(authority: string | undefined): void {
    if (authority !== undefined && !isText(authority, authorityText)) throw undefined;
    this.#authority = authority;
  }

  headers(): Fields {
    return receivedFields(sealFields(this.#headers));
  }

  /** Once; the second time it is an error. */
  body(): OutgoingBody {
    if (this.#body) throw undefined;
    this.#body = OutgoingBody.of('request', this.#headers, this.#signal);
    return this.#body;
  }

  /** Dropped without having been sent: its body has no reader. */
  [Symbol.dispose](): void {
    if (this.#body) OutgoingBody.breakOff(this.#body);
  }
}

/** The guest's imports say the types, so an argument may not be text. */
const isText = (value: unknown, like: RegExp): boolean => typeof value === 'string' && like.test(value);
