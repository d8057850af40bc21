/**
 * wasi:io/streams over whatever holds the bytes: a body on its way, a file, memory. The classes know nothing of where
 * bytes come from; they keep the rules of WIT: permits before writes, `closed` at the end, and one report of a failure
 * (`last-operation-failed`) before that.
 *
 * Guests choose the types of what they import as well as the values, so both are checked where a bound depends on them.
 *
 * Invariants: a guest never gets more than `maxReadBytes` at once, and never a permit for more than `maxPermitBytes`,
 * whatever it asks for; who breaks a rule of WIT is ended; what waits ends with the call's signal.
 */
import { type CallSignal, createGate, type Gate, waitForAny } from './gate.ts';
import { IoError } from './io-error.ts';
import { Pollable } from './pollable.ts';

/** Where an input stream's bytes come from. Like PartSource of runner/protocol/channel.ts, without its trailers. */
export type InputSource = {
  /** Up to `length` bytes that are here; undefined when there are none now. An empty array never. */
  take(length: number): Uint8Array | undefined;
  /** True when everything has been taken and no more will come. */
  readonly ended: boolean;
  /** Why no more will come, when that is not the end. */
  readonly failure: Error | undefined;
  /** Resolves when `take` gives something, or `ended` or `failure` is set. Never rejects. */
  ready(): Promise<void>;
  /** Nobody will take the rest. */
  drop(): void;
};

/** Where an output stream's bytes go. Like PartSink of runner/protocol/channel.ts. */
export type OutputTarget = {
  /** Bytes that may be written now. */
  readonly room: number;
  /** Why nothing can be written any more. */
  readonly failure: Error | undefined;
  /** At most `room`; copied, or used up before it returns. */
  write(bytes: Uint8Array): void;
  /** Resolves when there is room, or `failure` is set. Never rejects. */
  ready(): Promise<void>;
  /** What was written shall not wait for more. */
  flush?(): void;
};

/** Bytes of one read, at most. */
const maxReadBytes = 65_536;
/** Bytes of one permit, at most. */
const maxPermitBytes = 65_536;
/** WIT, `blocking-write-and-flush` and `blocking-write-zeroes-and-flush`. */
const maxBlockingWriteBytes = 4_096;

const nothing = new Uint8Array(0);

/** stream-error `closed`, as jco hands it to the guest. */
const closed = () => ({ tag: 'closed' }) as const;

/** stream-error `last-operation-failed`. */
const failed = (failure: Error) => ({ tag: 'last-operation-failed', val: ioErrorOf(failure) }) as const;

/** An error of a body carries its own; see http/body-error.ts. */
function ioErrorOf(failure: Error & { readonly httpCode?: unknown }): IoError {
  return IoError.of(failure.message, typeof failure.httpCode === 'string' ? failure.httpCode : undefined);
}

/** Length as the guest gave it, held to a bound. @throws TypeError for what its imports made of another type */
function bounded(length: bigint, limit: number): number {
  if (typeof length !== 'bigint' || length < 0n) throw new TypeError(`a length of ${length}`);
  return length > BigInt(limit) ? limit : Number(length);
}

/** @throws TypeError for what the guest's imports made of another type */
function checkBytes(contents: Uint8Array): void {
  if (!(contents instanceof Uint8Array)) throw new TypeError('contents that are no bytes');
}

type Input = { readonly source: InputSource; readonly signal: CallSignal; readonly gate: Gate };

export class InputStream {
  #input: Input | undefined;
  /** Taken to see whether there is something, and not yet read. */
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

  /** True once the guest has dropped it. */
  get dropped(): boolean {
    return this.#input === undefined;
  }

  [Symbol.dispose](): void {
    this.#input?.source.drop();
    this.#input = undefined;
    this.#held = undefined;
  }

  /** @throws TypeError for what is no stream of ours, Error for one that is gone: either ends the guest */
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
    // One more than the permit is refused as any write is, without the bytes having been there.
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

  /** Bytes are handed over as they are written; only a full target is waited for, so that its end is seen. */
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

  /** True once the guest has dropped it. */
  get dropped(): boolean {
    return this.#output === undefined;
  }

  [Symbol.dispose](): void {
    this.#output?.target.flush?.();
    this.#output = undefined;
  }

  /** @throws TypeError for what is no stream of ours, Error for one that is gone: either ends the guest */
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

/** wasi:io/streams, as jco asks for it. */
export const streams = { InputStream, OutputStream };
