/** A call's channel without a thread: the test fills and empties bodies, and opens windows. */
import type { Headers, RequestHead, ResponseHead } from '@skerry/shared/http/http.ts';
import type { CallChannel, Fetch, LogSource, PartSink, PartSource } from '../../../protocol/channel.ts';

/** A body on its way in; the test pushes its parts. */
export class TestSource implements PartSource {
  failure: Error | undefined;
  trailers: Headers | undefined;
  dropped = false;
  /** Bytes that have been taken. */
  taken = 0;
  #chunks: Uint8Array[] = [];
  #last = false;
  #changed = Promise.withResolvers<void>();
  #taken = Promise.withResolvers<void>();

  get ended(): boolean {
    return this.#last && this.#chunks.length === 0;
  }

  /** Bytes that are here. */
  get held(): number {
    return this.#chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  take(length: number): Uint8Array | undefined {
    const chunk = this.#chunks.shift();
    if (!chunk) return undefined;
    if (chunk.byteLength > length) this.#chunks.unshift(chunk.subarray(length));
    const bytes = chunk.subarray(0, length);
    this.taken += bytes.byteLength;
    this.#taken.resolve();
    this.#taken = Promise.withResolvers();
    return bytes;
  }

  ready(): Promise<void> {
    return this.#chunks.length > 0 || this.#last || this.failure ? Promise.resolve() : this.#changed.promise;
  }

  drop(): void {
    this.dropped = true;
    this.#chunks = [];
  }

  push(bytes: Uint8Array | string): this {
    this.#chunks.push(Buffer.from(bytes));
    return this.#change();
  }

  end(trailers?: Headers): this {
    this.#last = true;
    this.trailers = trailers;
    return this.#change();
  }

  fail(message: string): this {
    this.failure = new Error(message);
    return this.#change();
  }

  /** Resolves when something is taken next. */
  nextTaken(): Promise<void> {
    return this.#taken.promise;
  }

  #change(): this {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
    return this;
  }
}

/** A body on its way out, with a window that opens only when the test gives credit. */
export class TestSink implements PartSink {
  room: number;
  failure: Error | undefined;
  bytes = 0;
  ended: 'whole' | 'broken' | undefined;
  trailers: Headers | undefined;
  readonly parts: Buffer[] = [];
  #changed = Promise.withResolvers<void>();
  readonly #onPart: ((bytes: number) => void) | undefined;

  /** @param onPart takes parts in place of `parts` */
  constructor(room = 262_144, onPart?: (bytes: number) => void) {
    this.room = room;
    this.#onPart = onPart;
  }

  write(bytes: Uint8Array): void {
    if (bytes.byteLength > this.room) throw new Error(`${bytes.byteLength} bytes into a room of ${this.room}`);
    this.room -= bytes.byteLength;
    this.bytes += bytes.byteLength;
    if (this.#onPart) this.#onPart(bytes.byteLength);
    else this.parts.push(Buffer.from(bytes));
  }

  ready(): Promise<void> {
    return this.room > 0 || this.failure ? Promise.resolve() : this.#changed.promise;
  }

  end(trailers?: Headers): void {
    this.ended ??= 'whole';
    this.trailers = trailers;
  }

  fail(): void {
    this.ended ??= 'broken';
  }

  credit(bytes: number): void {
    this.room += bytes;
    this.#change();
  }

  /** The reader is gone. */
  close(message: string): void {
    this.failure = new Error(message);
    this.#change();
  }

  text(): string {
    return Buffer.concat(this.parts).toString();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

export class TestChannel implements CallChannel {
  readonly controller = new AbortController();
  readonly request: RequestHead | undefined;
  readonly body = new TestSource();
  readonly sink: TestSink;
  readonly lines: [LogSource, string][] = [];
  readonly fetches: { head: RequestHead; body: TestSink; aborted: boolean }[] = [];
  head: ResponseHead | undefined;
  /** The answer to outgoing requests. */
  respond: (head: RequestHead) => Awaited<Fetch['response']> = () => ({ error: 'HTTP-request-denied' });

  constructor(request?: Partial<RequestHead>, sink = new TestSink()) {
    this.request = request && {
      method: 'GET',
      scheme: 'http',
      authority: 'function.test',
      path: '/',
      headers: [],
      ...request,
    };
    this.sink = sink;
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  answer(head: ResponseHead): TestSink {
    this.head = head;
    return this.sink;
  }

  fetch({ head }: { head: RequestHead }): Fetch {
    const fetch = { head, body: new TestSink(), aborted: false };
    this.fetches.push(fetch);
    return {
      body: fetch.body,
      response: Promise.resolve().then(() => this.respond(head)),
      abort() {
        fetch.aborted = true;
      },
    };
  }

  log(source: LogSource, text: string): void {
    this.lines.push([source, text]);
  }

  askNow(): never {
    throw new Error('nothing to ask here');
  }
}
