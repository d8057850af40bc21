/**
 * Outgoing bodies: the resource `outgoing-body` of wasi:http/types. A guest may write before its destination is known,
 * that is before it has given its response or request away. A bounded number of bytes is kept here; then its stream has
 * no room.
 *
 * Invariants: a body with a content-length is complete only with exactly that number of bytes. A body that is dropped
 * without `finish` is broken off, never complete.
 */
import type { Headers } from '@skerry/shared/http/http.ts';
import { streamWindowBytes } from '@skerry/shared/http/http-limits.ts';
import type { PartSink } from '../../../protocol/channel.ts';
import type { CallSignal } from '../../io/gate.ts';
import { OutputStream, type OutputTarget } from '../../io/streams.ts';
import { BodyError, errorCode } from './error-code.ts';
import { type Fields, readContentLength, sealFields } from './fields.ts';

/** Bytes that are kept before there is a sink. A new sink takes its whole window at once. */
const earlyBytes = streamWindowBytes / 16;

export type MessageKind = 'request' | 'response';

export class OutgoingBody {
  #target: BodyTarget | undefined;
  #stream: OutputStream | undefined;
  #signal: CallSignal | undefined;
  #end: 'open' | 'whole' | 'broken' = 'open';

  static of(kind: MessageKind, headers: Fields, signal: CallSignal): OutgoingBody {
    const body = new OutgoingBody();
    body.#target = new BodyTarget(kind, readContentLength(sealFields(headers)));
    body.#signal = signal;
    return body;
  }

  /**
   * The head was sent, and its body goes here.
   *
   * @param anyLength the head's content-length says nothing about this body (an answer to HEAD)
   */
  static connect(body: OutgoingBody, sink: PartSink, anyLength = false): void {
    body.#open().connect(sink, anyLength);
  }

  /** The body will never be complete; no effect when it has already ended. */
  static breakOff(body: OutgoingBody): void {
    if (body.#end !== 'open') return;
    body.#end = 'broken';
    body.#target?.fail(new BodyError('connection-terminated', 'the body was broken off'));
  }

  static endOf(body: OutgoingBody): 'open' | 'whole' | 'broken' {
    return body.#end;
  }

  /** Once; the second time it is an error. */
  write(): OutputStream {
    const target = this.#open();
    if (this.#stream || !this.#signal) throw undefined;
    this.#stream = OutputStream.of(target, this.#signal);
    return this.#stream;
  }

  /**
   * @throws an error-code when the length is not the declared one
   * @throws Error, which ends the guest, when the body's stream is still open: a trap in WIT
   */
  static finish(body: OutgoingBody, trailers: Fields | undefined): void {
    const target = body.#open();
    if (body.#stream && !body.#stream.dropped) throw new Error('a body was finished while its stream is there');
    if (body.#end !== 'open') throw errorCode('connection-terminated');
    const wrong = target.end(trailers && sealFields(trailers));
    body.#end = wrong ? 'broken' : 'whole';
    if (wrong) throw errorCode(wrong.httpCode);
  }

  [Symbol.dispose](): void {
    OutgoingBody.breakOff(this);
  }

  #open(): BodyTarget {
    if (!this.#target) throw new Error('not a body');
    return this.#target;
  }
}

class BodyTarget implements OutputTarget {
  readonly #kind: MessageKind;
  #declared: number | undefined;
  readonly #connected = Promise.withResolvers<void>();
  #sink: PartSink | undefined;
  #early: Uint8Array[] = [];
  #written = 0;
  #failure: BodyError | undefined;
  /** How it ended before there was a sink. */
  #ended: { readonly trailers: Headers | undefined } | undefined;

  constructor(kind: MessageKind, declared: number | undefined) {
    this.#kind = kind;
    this.#declared = declared;
  }

  get room(): number {
    return this.#sink ? this.#sink.room : earlyBytes - this.#written;
  }

  get failure(): BodyError | undefined {
    const gone = this.#sink?.failure;
    if (gone) this.#failure ??= new BodyError('connection-terminated', gone.message);
    return this.#failure;
  }

  write(bytes: Uint8Array): void {
    this.#written += bytes.byteLength;
    if (this.#declared !== undefined && this.#written > this.#declared) {
      this.fail(this.#wrongLength('more'));
    } else if (this.#sink) this.#sink.write(bytes);
    else this.#early.push(Uint8Array.from(bytes));
  }

  ready(): Promise<void> {
    return this.#sink ? this.#sink.ready() : this.#connected.promise;
  }

  connect(sink: PartSink, anyLength: boolean): void {
    this.#sink = sink;
    if (anyLength) this.#declared = undefined;
    if (this.#failure) sink.fail();
    else {
      for (const bytes of this.#early) sink.write(bytes);
      if (this.#ended) sink.end(this.#ended.trailers);
    }
    this.#early = [];
    this.#connected.resolve();
  }

  /** @returns the fault of the body, if any */
  end(trailers: Headers | undefined): BodyError | undefined {
    const { failure } = this;
    const short = this.#declared !== undefined && this.#written !== this.#declared;
    const wrong = failure ?? (short ? this.#wrongLength('less') : undefined);
    if (wrong) {
      this.fail(wrong);
      return wrong;
    }
    this.#ended = { trailers };
    this.#sink?.end(trailers);
    return undefined;
  }

  fail(reason: BodyError): void {
    this.#failure ??= reason;
    this.#early = [];
    this.#sink?.fail();
    this.#connected.resolve();
  }

  #wrongLength(than: 'more' | 'less'): BodyError {
    return new BodyError(`HTTP-${this.#kind}-body-size`, `${than} bytes than the content-length of ${this.#declared}`);
  }
}
