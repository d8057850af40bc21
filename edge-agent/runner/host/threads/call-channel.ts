/**
 * The channel of one call, over the thread's port. Made for every call, so it is cheap until it is used.
 *
 * A small answer that ends within the turn in which it began does not stream: it is sent with the result, in one frame.
 */
import type { Headers, RequestHead, ResponseHead } from '@skerry/shared/http/http.ts';
import type { CapabilityRequest, FetchRequest } from '../../protocol/capability-requests.ts';
import type { CallChannel, Fetch, LogSource } from '../../protocol/channel.ts';
import { encodeCredit, encodeHead, encodePart, type PipePart } from '../../protocol/stream-wire.ts';
import type { CallFrame, GuestEnvironment, ResultFrame, RunnerResult } from '../../protocol/wire.ts';
import type { CapabilityClient } from './capability-client.ts';
import { Inbound, Outbound } from './parts.ts';

/** An answer with a longer body is sent in parts, in bytes. */
const wholeBytes = 64 * 1024;

export class ThreadChannel implements CallChannel {
  readonly #call: CallFrame;
  readonly #asker: CapabilityClient;
  readonly #post: (frame: Buffer) => void;
  readonly #log: (source: LogSource, text: string) => void;
  #controller: AbortController | undefined;
  #body: Inbound | undefined;
  #sink: Outbound | undefined;
  #head: ResponseHead | undefined;
  #held: PipePart[] | undefined;
  #heldBytes = 0;
  #bodyBytes: number | undefined;

  /** @param log takes lines within the function's limit; the caller drops lines when it is absent */
  constructor(
    call: CallFrame,
    asker: CapabilityClient,
    post: (frame: Buffer) => void,
    log: (source: LogSource, text: string) => void,
  ) {
    this.#call = call;
    this.#asker = asker;
    this.#post = post;
    this.#log = log;
  }

  get seq(): number {
    return this.#call.seq;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  get request(): RequestHead | undefined {
    return this.#call.request;
  }

  get body(): Inbound {
    const { input, streams, seq } = this.#call;
    this.#body ??= new Inbound(input, !streams, (bytes) => this.#post(encodeCredit(seq, bytes)));
    return this.#body;
  }

  get bodyBytes(): number {
    this.#bodyBytes ??= (JSON.parse(this.#call.environment) as GuestEnvironment).bodyBytes;
    return this.#bodyBytes;
  }

  answer(head: ResponseHead): Outbound {
    if (this.#sink) throw new Error('a second answer to one call');
    this.#head = head;
    this.#held = [];
    setImmediate(() => this.#stream());
    this.#sink = new Outbound(this.bodyBytes, (part) => this.#send(part));
    return this.#sink;
  }

  askNow(ask: CapabilityRequest, bytes?: Uint8Array) {
    return this.#asker.askNow(this, ask, bytes);
  }

  fetch(ask: Omit<FetchRequest, 'do'>): Fetch {
    return this.#asker.fetch(this, ask);
  }

  log(source: LogSource, text: string): void {
    this.#log(source, text);
  }

  /** A part of the request's body, or a credit for the answer's. */
  push(part: PipePart): void {
    this.body.push(part);
  }

  credit(bytes: number): void {
    this.#sink?.credit(bytes);
  }

  /** The other end is gone: both bodies are closed, and the guest may finish. */
  hangUp(reason: Error): void {
    this.body.fail(reason);
    this.#sink?.close(reason);
  }

  /** Ends every wait of the guest. */
  end(reason: Error): void {
    this.hangUp(reason);
    this.#controller ??= new AbortController();
    this.#controller.abort(reason);
  }

  /**
   * The answer for the call's result, once the call has ended: the complete answer when it did not stream. After a
   * failure an answer that was not sent is dropped.
   */
  finish(result: RunnerResult): Pick<ResultFrame, 'result' | 'head' | 'trailers'> {
    if (this.#sink?.overLimit) {
      const message = `the body of the answer is over ${this.bodyBytes} bytes`;
      return { result: { ok: false, code: 'function_output_too_large', message } };
    }
    const held = this.#held;
    this.#held = undefined;
    if (!result.ok || !this.#head || !held) return { result };
    const trailers = held.at(-1)?.trailers;
    return {
      result: { ok: true, output: Buffer.concat(held.map(({ bytes }) => bytes)) },
      head: this.#head,
      ...(trailers && { trailers: trailers satisfies Headers }),
    };
  }

  #send(part: PipePart): void {
    if (!this.#held) {
      this.#post(encodePart(this.seq, part));
      return;
    }
    this.#held.push({ ...part, bytes: Uint8Array.from(part.bytes) });
    this.#heldBytes += part.bytes.byteLength;
    if (this.#heldBytes > wholeBytes) this.#stream();
  }

  /** From here on the answer is sent in parts. */
  #stream(): void {
    const held = this.#held;
    if (!held || !this.#head) return;
    this.#held = undefined;
    this.#post(encodeHead(this.seq, this.#head));
    for (const part of held) this.#post(encodePart(this.seq, part));
  }
}
