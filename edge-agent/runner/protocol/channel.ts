/**
 * What one call has to do with the outside while it runs: the body that comes in, the answer that goes out in parts,
 * asks to the agent, and its log. The thread makes one per call; the WASI classes use it and nothing else.
 *
 * Invariant: everything that waits here ends when `signal` aborts, with the signal's reason. That is how the deadline
 * ends a guest that waits; a guest that computes is ended with its thread.
 */
import type { Headers, RequestHead, ResponseHead } from '@skerry/shared/http/http.ts';
import type { CapabilityRequest, FetchRequest, Reply } from './capability-requests.ts';

/** A body on its way here, in memory up to the window. */
export type PartSource = {
  /** Up to `length` bytes that are here; undefined when there are none now. An empty array never. */
  take(length: number): Uint8Array | undefined;
  /** True when everything has been taken and no more will come. */
  readonly ended: boolean;
  /** Why no more will come, when that is not the end of the body: the caller is gone, the connection broke. */
  readonly failure: Error | undefined;
  /** Known when `ended`. */
  readonly trailers: Headers | undefined;
  /** Resolves when `take` gives something, or `ended` or `failure` is set. Never rejects. */
  ready(): Promise<void>;
  /** Nobody will take the rest. */
  drop(): void;
};

/** A body on its way out. */
export type PartSink = {
  /** Bytes that may be written now. */
  readonly room: number;
  /** Why nothing can be written any more: nobody reads it. */
  readonly failure: Error | undefined;
  /** Sends bytes, at most `room`; they are copied. */
  write(bytes: Uint8Array): void;
  /** Resolves when there is room, or `failure` is set. Never rejects. */
  ready(): Promise<void>;
  /** The body is whole. */
  end(trailers?: Headers): void;
  /** The body will never be whole. */
  fail(): void;
};

/** An outgoing request under way. */
export type Fetch = {
  readonly body: PartSink;
  /** The head, or an error-code of wasi:http by its name. Never rejects. */
  readonly response: Promise<{ readonly head: ResponseHead; readonly body: PartSource } | { readonly error: string }>;
  /** Nobody wants the answer. */
  abort(): void;
};

/** Levels of wasi:logging, and the two streams. */
export type LogSource = 'stdout' | 'stderr' | 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'critical';

export type CallChannel = {
  readonly signal: AbortSignal;
  /** The request, when the call came over HTTP. */
  readonly request: RequestHead | undefined;
  /** The request's body: all of the input, then the parts that follow. */
  readonly body: PartSource;
  /** Begins the answer, once; its body goes to the sink. */
  answer(head: ResponseHead): PartSink;
  /** Asks the agent while the thread stands still; the deadline ends the thread. */
  askNow(ask: CapabilityRequest, bytes?: Uint8Array): { reply: Reply; bytes: Uint8Array };
  fetch(ask: Omit<FetchRequest, 'do'>): Fetch;
  /** Whole lines, without their ends; bounded by the function's log limit. */
  log(source: LogSource, text: string): void;
};
