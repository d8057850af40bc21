/**
 * wasi:io/streams over any holder of bytes: a streamed body, a file, memory. The classes do not know the source of the
 * bytes. They apply the rules of WIT: permits before writes, `closed` at the end, and before that one report of a
 * failure (`last-operation-failed`).
 *
 * A guest chooses the types of its imports as well as the values, so both are checked where a bound depends on them.
 *
 * Invariants: a guest never gets more than `maxReadBytes` at once, and never a permit for more than `maxPermitBytes`. A
 * guest that breaks a rule of WIT is ended. Waits end with the call's signal.
 */
import { type CallSignal, createGate, type Gate, waitForAny } from './gate.ts';
import { IoError } from './io-error.ts';
import { Pollable } from './pollable.ts';

/** The source of an input stream. Like PartSource of runner/protocol/channel.ts, without the trailers. */
export type InputSource = {
  /** Up to `length` bytes that are present; undefined when there are none now. Never an empty array. */
  take(length: number): Uint8Array | undefined;
  /** True when all bytes were taken and no more will come. */
  readonly ended: boolean;
  /** The reason why no more bytes will come, when that is not the end. */
  readonly failure: Error | undefined;
  /** Resolves when `take` has bytes, or `ended` or `failure` is set. Never rejects. */
  ready(): Promise<void>;
  /** The stream will not be read to its end. */
  drop(): void;
};

/** The target of an output stream. Like PartSink of runner/protocol/channel.ts. */
export type OutputTarget = {
  /** Bytes that may be written now. */
  readonly room: number;
  /** The reason why no more bytes can be written. */
  readonly failure: Error | undefined;
  /** At most `room` bytes; they are copied, or used before it returns. */
  write(bytes: Uint8Array): void;
  /** Resolves when there is room, or `failure` is set. Never rejects. */
  ready(): Promise<void>;
  /** Written bytes must not wait for more. */
  flush?(): void;
};

/** Maximum size of one read, in bytes. */
const maxReadBytes = 65_536;
/** Maximum size of one permit, in bytes. */
const maxPermitBytes = 65_536;
/** WIT, `blocking-write-and-flush` and `blocking-write-zeroes-and-flush`. */
const maxBlockingWriteBytes = 4_096;

const nothing = new Uint8Array(0);

/** stream-error `closed` in the form that jco passes to the guest. */
const closed = () => ({ tag: 'closed' }) as const;

/** stream-error `last-operation-failed`. */
const failed = (failure: Error) => ({ tag: 'last-operation-failed', val: ioErrorOf(failure) }) as const;

/** The error of a body has its own resource; see http/body-error.ts. */
function ioErrorOf(failure: Error & { readonly httpCode?: unknown }): IoError {
  return IoError.of(failure.message, typeof failure.httpCode === 'string' ? failure.httpCode : undefined);
}

/** The guest's length, limited to a bound. @throws TypeError for a value of another type */
function bounded(length: bigint, limit: number): number {
  if (typeof length !== 'bigint' || length < 0n) throw new TypeError(`a length of ${length}`);
  return length > BigInt(limit) ? limit : Number(length);
}

/** @throws TypeError for a value of another type, which the guest's imports may declare */
function checkBytes(contents: Uint8Array): void {
  if (!(contents instanceof Uint8Array)) throw new TypeError('contents that are no bytes');
}

type Input = { readonly source: InputSource; readonly signal: CallSignal; readonly gate: Gate };

export class InputStream {
  #input: Input | undefined;
  /** Bytes that a poll took to see whether there are any, and that were not yet read. */
  #held: Uint8Array | undefined;
  #reported = false;

  static of(source: InputSource, signal: CallSignal): InputStream {
    const stream = new InputStream();
    const gate = createGate(
      () => stream.#isReady(),
      () => source.ready(),
    );
    stream.#input = { source, signal, gate };
    return stream;
  }

  read(length: bigint): Uint8Array {
    return this.#take(bounded(length, maxReadBytes));
  }

  blockingRead(length: bigint): Uint8Array | Promise<Uint8Array> {
    const { gate, signal } = this.#open();
    return gate.isOpen() ? this.read(length) : waitForAny([gate], signal).then(() => this.read(length));
  }

  skip(length: bigint): bigint {
    return BigInt(this.read(length).byteLength);
  }

  blockingSkip(length: bigint): bigint | Promise<bigint> {
    const { gate, signal } = this.#open();
    return gate.isOpen() ? this.skip(length) : waitForAny([gate], signal).then(() => this.skip(length));
  }

  subscribe(): Pollable {
    const { gate, signal } = this.#open();
    return Pollable.of(gate, signal);
  }

  /** True once the guest has dropped the stream. */
  get dropped(): boolean {
    return this.#input === undefined;
  }

  [Symbol.dispose](): void {
    this.#input?.source.drop();
    this.#input = undefined;
    this.#held = undefined;
  }

  /** @throws TypeError for an object that is no stream of ours, Error for a dropped one: either ends the guest */
  #open(): Input {
    if (!this.#input) throw new Error('an input stream that was dropped');
    return this.#input;
  }

  #isReady(): boolean {
    if (!this.#input || this.#held) return true;
    const { source } = this.#input;
    this.#held = source.take(maxReadBytes);
    return this.#held !== undefined || source.ended || source.failure !== undefined;
  }

  #take(length: number): Uint8Array {
    const { source } = this.#open();
    const bytes = this.#held ?? (length > 0 ? source.take(length) : undefined);
    if (bytes) {
      this.#held = bytes.byteLength > length ? bytes.subarray(length) : undefined;
      return bytes.byteLength > length ? bytes.subarray(0, length) : bytes;
    }
    if (source.failure && !this.#reported) {
      this.#reported = true;
      throw failed(source.failure);
    }
    if (source.failure || source.ended) throw closed();
    return nothing;
  }
}

type Output = { readonly target: OutputTarget; readonly signal: CallSignal; readonly gate: Gate };

export class OutputStream {
  #output: Output | undefined;
  #permit = 0;
  #reported = false;

  static of(target: OutputTarget, signal: CallSignal): OutputStream {
    const stream = new OutputStream();
    const gate = createGate(
      () => stream.#output === undefined || target.room > 0 || target.failure !== undefined,
      () => target.ready(),
    );
    stream.#output = { target, signal, gate };
    return stream;
  }

  checkWrite(): bigint {
    this.#permit = Math.min(this.#writable().room, maxPermitBytes);
    return BigInt(this.#permit);
  }

  write(contents: Uint8Array): void {
    checkBytes(contents);
    const target = this.#writable();
    if (contents.byteLength > this.#permit) {
      throw new Error(`a write of ${contents.byteLength} bytes with a permit for ${this.#permit}`);
    }
    this.#permit -= contents.byteLength;
    if (contents.byteLength > 0) target.write(contents);
  }

  writeZeroes(length: bigint): void {
    // A write of one byte more than the permit is refused like any other, before the bytes are made.
    this.write(new Uint8Array(bounded(length, this.#permit + 1)));
  }

  blockingWriteAndFlush(contents: Uint8Array): void | Promise<void> {
    checkBytes(contents);
    if (contents.byteLength > maxBlockingWriteBytes) {
      throw new Error(`a blocking write of ${contents.byteLength} bytes; ${maxBlockingWriteBytes} are allowed`);
    }
    const target = this.#writable();
    if (contents.byteLength > target.room) return this.#writeInPieces(contents);
    if (contents.byteLength > 0) target.write(contents);
    target.flush?.();
  }

  blockingWriteZeroesAndFlush(length: bigint): void | Promise<void> {
    return this.blockingWriteAndFlush(new Uint8Array(bounded(length, maxBlockingWriteBytes + 1)));
  }

  flush(): void {
    this.#writable().flush?.();
  }

  /** Bytes are passed on as they are written. A full target is waited for, so that its end is seen. */
  blockingFlush(): void | Promise<void> {
    const { gate, signal } = this.#open();
    if (gate.isOpen()) return this.flush();
    return waitForAny([gate], signal).then(() => this.flush());
  }

  splice(source: InputStream, length: bigint): bigint {
    const wanted = bounded(length, Number(this.checkWrite()));
    if (this.#permit === 0) return 0n;
    const bytes = source.read(BigInt(wanted));
    this.write(bytes);
    return BigInt(bytes.byteLength);
  }

  blockingSplice(source: InputStream, length: bigint): bigint | Promise<bigint> {
    const { gate, signal } = this.#open();
    const copy = (bytes: Uint8Array): bigint => {
      this.checkWrite();
      this.write(bytes);
      return BigInt(bytes.byteLength);
    };
    const readAndCopy = (): bigint | Promise<bigint> => {
      const bytes = source.blockingRead(BigInt(bounded(length, Number(this.checkWrite()))));
      return bytes instanceof Promise ? bytes.then(copy) : copy(bytes);
    };
    return gate.isOpen() ? readAndCopy() : waitForAny([gate], signal).then(readAndCopy);
  }

  subscribe(): Pollable {
    const { gate, signal } = this.#open();
    return Pollable.of(gate, signal);
  }

  /** True once the guest has dropped the stream. */
  get dropped(): boolean {
    return this.#output === undefined;
  }

  [Symbol.dispose](): void {
    this.#output?.target.flush?.();
    this.#output = undefined;
  }

  /** @throws TypeError for an object that is no stream of ours, Error for a dropped one: either ends the guest */
  #open(): Output {
    if (!this.#output) throw new Error('an output stream that was dropped');
    return this.#output;
  }

  #writable(): OutputTarget {
    const { target } = this.#open();
    if (!target.failure) return target;
    if (this.#reported) throw closed();
    this.#reported = true;
    throw failed(target.failure);
  }

  async #writeInPieces(contents: Uint8Array): Promise<void> {
    const { gate, signal } = this.#open();
    for (let rest = contents; rest.byteLength > 0; ) {
      await waitForAny([gate], signal);
      const target = this.#writable();
      const piece = rest.subarray(0, target.room);
      target.write(piece);
      rest = rest.subarray(piece.byteLength);
    }
    this.#writable().flush?.();
  }
}

/** wasi:io/streams in the form that jco's glue imports. */
export const streams = { InputStream, OutputStream };
