/**
 * Arriving bodies: the resources `incoming-body` and `future-trailers` of wasi:http/types. The body flows from its
 * source to the guest as the guest reads; nothing of it is kept here.
 */
import type { PartSource } from '../../../protocol/channel.ts';
import { type CallSignal, createGate } from '../../io/gate.ts';
import { Pollable } from '../../io/pollable.ts';
import { type InputSource, InputStream } from '../../io/streams.ts';
import { BodyError, type ErrorCode, errorCode } from './error-code.ts';
import { type Fields, receivedFields } from './fields.ts';

/** A body as a call provides it. */
export type Arriving = {
  readonly source: PartSource;
  readonly signal: CallSignal;
  /** The rest of the body is not wanted. At most once. */
  readonly release?: () => void;
};

/** A body that breaks off does so with its connection. */
const brokenOff = 'connection-terminated';

export class IncomingBody {
  #arriving: Arriving | undefined;
  #stream: InputStream | undefined;

  static of(arriving: Arriving): IncomingBody {
    const body = new IncomingBody();
    body.#arriving = arriving;
    return body;
  }

  /** Once; the second time it is an error. */
  stream(): InputStream {
    const { source, signal } = this.#open();
    if (this.#stream) throw undefined;
    this.#stream = InputStream.of(bodySource(source), signal);
    return this.#stream;
  }

  /** @throws Error, which ends the guest, when the body's stream is still open: a trap in WIT */
  static finish(body: IncomingBody): FutureTrailers {
    const arriving = body.#open();
    if (body.#stream && !body.#stream.dropped) throw new Error('a body was finished while its stream is there');
    body.#arriving = undefined;
    arriving.source.drop();
    return FutureTrailers.of(arriving);
  }

  [Symbol.dispose](): void {
    this.#arriving?.source.drop();
    this.#arriving?.release?.();
    this.#arriving = undefined;
  }

  #open(): Arriving {
    if (!this.#arriving) throw new Error('a body that is gone');
    return this.#arriving;
  }
}

/** The same bytes; a failure has its error-code. */
function bodySource(source: PartSource): InputSource {
  let failure: BodyError | undefined;
  return {
    take: (length) => source.take(length),
    get ended() {
      return source.ended;
    },
    get failure() {
      if (source.failure) failure ??= new BodyError(brokenOff, source.failure.message);
      return failure;
    },
    ready: () => source.ready(),
    drop: () => source.drop(),
  };
}

type Result<T> = { readonly tag: 'ok'; readonly val: T } | { readonly tag: 'err'; readonly val?: ErrorCode };

export class FutureTrailers {
  #arriving: Arriving | undefined;
  #given = false;

  static of(arriving: Arriving): FutureTrailers {
    const future = new FutureTrailers();
    future.#arriving = arriving;
    return future;
  }

  subscribe(): Pollable {
    const { source, signal } = this.#open();
    const gate = createGate(
      () => source.ended || source.failure !== undefined,
      () => source.ready(),
    );
    return Pollable.of(gate, signal);
  }

  /** Nothing yet; then, once, the trailers or the reason for their absence; then an error. */
  get(): Result<Result<Fields | undefined>> | undefined {
    const { source, release } = this.#open();
    if (!source.ended && !source.failure) return undefined;
    if (this.#given) return { tag: 'err' };
    this.#given = true;
    release?.();
    if (!source.ended) return { tag: 'ok', val: { tag: 'err', val: errorCode(brokenOff) } };
    const { trailers } = source;
    return { tag: 'ok', val: { tag: 'ok', val: trailers?.length ? receivedFields(trailers) : undefined } };
  }

  [Symbol.dispose](): void {
    if (!this.#given) this.#arriving?.release?.();
    this.#arriving = undefined;
  }

  #open(): Arriving {
    if (!this.#arriving) throw new Error('trailers that are gone');
    return this.#arriving;
  }
}
