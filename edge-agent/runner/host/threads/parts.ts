/**
 * Bodies in a thread, one end of a stream each. Received bytes are held up to the window. Sent bytes are counted
 * against the other end's credit.
 */
import type { Headers } from '@skerry/shared/http/http.ts';
import { maxPartBytes, streamWindowBytes } from '@skerry/shared/http/http-limits.ts';
import type { PartSink, PartSource } from '../../protocol/channel.ts';
import type { PipePart } from '../../protocol/stream-wire.ts';

/** Taken bytes are acknowledged in steps of this size, so that one credit covers many small reads. */
const creditStepBytes = streamWindowBytes / 4;

/** Wakes the waiters for a change; cheap while there are none. */
class Bell {
  #wait: PromiseWithResolvers<void> | undefined;

  next(): Promise<void> {
    this.#wait ??= Promise.withResolvers();
    return this.#wait.promise;
  }

  ring(): void {
    this.#wait?.resolve();
    this.#wait = undefined;
  }
}

/** A received body. Bytes beyond the window are a bug of the other end, and are kept all the same. */
export class Inbound implements PartSource {
  failure: Error | undefined;
  trailers: Headers | undefined;
  readonly #chunks: Uint8Array[] = [];
  readonly #bell = new Bell();
  readonly #credit: (bytes: number) => void;
  /** Bytes that came with the call itself, and do not count against the window. */
  #uncounted: number;
  #unacknowledged = 0;
  #last: boolean;
  #dropped = false;

  /**
   * @param first bytes that have arrived already
   * @param last no parts will follow
   * @param credit tells the other end that it may send this many bytes more
   */
  constructor(first: Uint8Array, last: boolean, credit: (bytes: number) => void) {
    if (first.byteLength > 0) this.#chunks.push(first);
    this.#uncounted = first.byteLength;
    this.#last = last;
    this.#credit = credit;
  }

  get ended(): boolean {
    return this.#last && this.#chunks.length === 0;
  }

  take(length: number): Uint8Array | undefined {
    const chunk = this.#chunks[0];
    if (!chunk || length <= 0) return undefined;
    const bytes = chunk.byteLength <= length ? chunk : chunk.subarray(0, length);
    if (bytes === chunk) this.#chunks.shift();
    else this.#chunks[0] = chunk.subarray(length);
    this.#acknowledge(bytes.byteLength);
    return bytes;
  }

  ready(): Promise<void> {
    if (this.#chunks.length > 0 || this.#last || this.failure) return Promise.resolve();
    return this.#bell.next();
  }

  drop(): void {
    this.#dropped = true;
    for (const chunk of this.#chunks.splice(0)) this.#acknowledge(chunk.byteLength);
  }

  /** Takes a part that has arrived; its bytes are copied. */
  push({ bytes, end, trailers }: PipePart): void {
    if (this.#last || this.failure) return;
    if (this.#dropped) this.#acknowledge(bytes.byteLength);
    else if (bytes.byteLength > 0) this.#chunks.push(Uint8Array.from(bytes));
    if (end === 'last') {
      this.#last = true;
      this.trailers = trailers;
    }
    if (end === 'failed') this.fail(new Error('the other end broke off'));
    this.#bell.ring();
  }

  /** No more will come. Bytes that have arrived may still be taken. */
  fail(reason: Error): void {
    if (this.#last) return;
    this.failure ??= reason;
    this.#bell.ring();
  }

  #acknowledge(bytes: number): void {
    const uncounted = Math.min(this.#uncounted, bytes);
    this.#uncounted -= uncounted;
    this.#unacknowledged += bytes - uncounted;
    if (this.#unacknowledged < creditStepBytes || this.#last) return;
    this.#credit(this.#unacknowledged);
    this.#unacknowledged = 0;
  }
}

/** A sent body. */
export class Outbound implements PartSink {
  room = streamWindowBytes;
  failure: Error | undefined;
  readonly #bell = new Bell();
  readonly #send: (part: PipePart) => void;
  readonly #limit: number;
  #sent = 0;
  #ended = false;

  /**
   * @param limit bytes of the whole body; more is a failure
   * @param send takes a part; it copies the bytes
   */
  constructor(limit: number, send: (part: PipePart) => void) {
    this.#limit = limit;
    this.#send = send;
  }

  /** True when the failure is that the body exceeded its limit. */
  get overLimit(): boolean {
    return this.#sent > this.#limit;
  }

  /** True when the body has ended, completely or not. */
  get ended(): boolean {
    return this.#ended;
  }

  write(bytes: Uint8Array): void {
    if (this.failure || this.#ended) return;
    this.#sent += bytes.byteLength;
    if (this.overLimit) {
      this.fail(new Error(`the body is over the limit of ${this.#limit} bytes`));
      return;
    }
    this.room -= bytes.byteLength;
    for (let at = 0; at < bytes.byteLength; at += maxPartBytes) {
      this.#send({ bytes: bytes.subarray(at, at + maxPartBytes), end: 'no' });
    }
  }

  ready(): Promise<void> {
    return this.room > 0 || this.failure ? Promise.resolve() : this.#bell.next();
  }

  end(trailers?: Headers): void {
    this.#finish({ bytes: new Uint8Array(0), end: 'last', trailers });
  }

  /** @param reason default: the writer gave up */
  fail(reason: Error = new Error('the body was not finished')): void {
    this.failure ??= reason;
    this.#finish({ bytes: new Uint8Array(0), end: 'failed' });
    this.#bell.ring();
  }

  /** The other end does not read it any more. */
  close(reason: Error): void {
    this.failure ??= reason;
    this.#ended = true;
    this.#bell.ring();
  }

  credit(bytes: number): void {
    this.room = Math.min(streamWindowBytes, this.room + bytes);
    this.#bell.ring();
  }

  #finish(part: PipePart): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#send(part);
  }
}
