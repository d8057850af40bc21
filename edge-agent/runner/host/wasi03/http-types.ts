/**
 * `wasi:http/types@0.3` for a handler: its request and its response, over the classes of 0.2, which have the limits and
 * the rules for headers. A guest makes its own requests with the interfaces of 0.2.
 */
import { errorCode } from '../http/messages/error-code.ts';
import { Fields } from '../http/messages/fields.ts';
import { IncomingBody } from '../http/messages/incoming-body.ts';
import type { IncomingRequest } from '../http/messages/incoming-messages.ts';
import { OutgoingBody } from '../http/messages/outgoing-body.ts';
import { OutgoingResponse } from '../http/messages/outgoing-response.ts';
import { ResponseOutparam } from '../http/response-outparam.ts';
import type { CallSignal } from '../io/gate.ts';
import { drain, type Ended, type GuestStream, readable } from './byte-streams.ts';

/** The value of a `future<result<option<trailers>, error-code>>`. */
type Trailers =
  | { readonly tag: 'ok'; readonly val?: Fields | undefined }
  | { readonly tag: 'err'; readonly val: unknown };

const terminated = () => errorCode('connection-terminated');

class Request {
  #received: { readonly request: IncomingRequest; readonly moved: () => void } | undefined;

  static of(request: IncomingRequest, moved: () => void): Request {
    const made = new Request();
    made.#received = { request, moved };
    return made;
  }

  getMethod = () => this.#open().request.method();
  getPathWithQuery = () => this.#open().request.pathWithQuery();
  getScheme = () => this.#open().request.scheme();
  getAuthority = () => this.#open().request.authority();
  getHeaders = () => this.#open().request.headers();
  getOptions = () => undefined;

  /** The body, and its trailers. The second never rejects. */
  static consumeBody(request: Request): [ReadableStream<Uint8Array>, Promise<Trailers>] {
    const { request: received, moved } = request.#open();
    request.#received = undefined;
    const body = received.consume();
    const [stream, ended] = readable(body.stream(), terminated, moved);
    const trailers = ended.then((end) => (end.tag === 'ok' ? trailersOf(body) : end)).finally(moved);
    return [stream, trailers];
  }

  #open() {
    if (!this.#received) throw new Error('a request that is gone');
    return this.#received;
  }
}

async function trailersOf(body: IncomingBody): Promise<Trailers> {
  const future = IncomingBody.finish(body);
  try {
    await future.subscribe().block();
    const given = future.get();
    return given?.tag === 'ok' && given.val.tag === 'ok' ? given.val : { tag: 'err', val: terminated() };
  } catch {
    // Ends the call.
    return { tag: 'err', val: terminated() };
  }
}

type Answer = {
  readonly headers: Fields;
  readonly contents: GuestStream | undefined;
  readonly trailers: PromiseLike<Trailers>;
  readonly sent: PromiseWithResolvers<Ended>;
};

class Response {
  #answer: Answer | undefined;
  #status = 200;

  static new(
    headers: Fields,
    contents: GuestStream | undefined,
    trailers: PromiseLike<Trailers>,
  ): [Response, Promise<Ended>] {
    if (!(headers instanceof Fields)) throw new TypeError('headers that are no fields');
    const response = new Response();
    const sent = Promise.withResolvers<Ended>();
    response.#answer = { headers, contents, trailers, sent };
    return [response, sent.promise];
  }

  getStatusCode = () => this.#status;
  getHeaders = () => this.#open().headers;

  setStatusCode(status: number): void {
    if (!Number.isInteger(status) || status < 200 || status > 599) throw undefined;
    this.#status = status;
  }

  /**
   * Resolves when the answer was sent, or can never be complete; the outparam has the difference.
   *
   * @throws the errors of the guest's stream, and TypeError for an object that is no stream
   */
  static async send(response: Response, outparam: ResponseOutparam, signal: CallSignal, moved: () => void) {
    const { headers, contents, trailers, sent } = response.#open();
    response.#answer = undefined;
    const outgoing = new OutgoingResponse(headers, signal);
    outgoing.setStatusCode(response.#status);
    const body = outgoing.body();
    const stream = body.write();
    ResponseOutparam.set(outparam, { tag: 'ok', val: outgoing });
    try {
      if (contents) await drain(contents, stream, moved);
      stream[Symbol.dispose]();
      const end = await trailers;
      if (end.tag === 'ok') OutgoingBody.finish(body, end.val);
      else OutgoingBody.breakOff(body);
      sent.resolve({ tag: 'ok' });
    } catch (error) {
      OutgoingBody.breakOff(body);
      sent.resolve({ tag: 'err', val: terminated() });
      // A failure of the stream itself is a value. Any other error is the guest's fault.
      if (error instanceof Error) throw error;
    } finally {
      moved();
    }
  }

  #open(): Answer {
    if (!this.#answer) throw new Error('a response that is gone');
    return this.#answer;
  }
}

class RequestOptions {}

/** In the form that jco's glue imports. */
export const httpTypes = { 'wasi:http/types@0.3': { Fields, Request, RequestOptions, Response } };

/** `wasi:http/handler@0.3`, in the form that the glue exports. */
export type AsyncHandler = { handle(request: Request): Promise<Response> };

/**
 * Calls the guest's handler. Its answer, or its error-code, goes to the outparam. @throws any other error of the
 * handler
 */
export async function handleWith(
  { handle }: AsyncHandler,
  received: IncomingRequest,
  outparam: ResponseOutparam,
  signal: CallSignal,
  moved: () => void,
): Promise<void> {
  const response = await handle(Request.of(received, moved)).catch((error: unknown) => {
    if (!(error instanceof Error) || !Object.hasOwn(error, 'payload')) throw error;
    ResponseOutparam.set(outparam, {
      tag: 'err',
      val: (error as Error & { payload: ReturnType<typeof terminated> }).payload,
    });
  });
  if (response) await Response.send(response, outparam, signal, moved);
}
