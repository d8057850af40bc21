/**
 * The connection of one running call to the outside: the body that comes in, the answer that goes out in parts,
 * requests for capabilities, and the log. The thread makes one per call. The WASI classes use it and nothing else.
 *
 * Invariant: every wait here ends when `signal` aborts, with the signal's reason. In this way the deadline ends a guest
 * that waits. A guest that computes is ended with its thread.
 */
import type { Headers, RequestHead, ResponseHead } from '@skerry/shared/http/http.ts';
import type { CapabilityReply, CapabilityRequest, FetchRequest } from './capability-requests.ts';

/** An incoming body, in memory up to the window. */
export type PartSource = {
  /** Up to `length` bytes that have arrived; undefined when there are none now. Never an empty array. */
  take(length: number): Uint8Array | undefined;
  /** True when all bytes were taken and no more will come. */
  readonly ended: boolean;
  /**
   * The reason why no more will come, when that is not the end of the body: the caller disconnected, the connection
   * broke.
   */
  readonly failure: Error | undefined;
  /** Known when `ended`. */
  readonly trailers: Headers | undefined;
  /** Resolves when `take` has bytes, or `ended` or `failure` is set. Never rejects. */
  ready(): Promise<void>;
  /** The body will not be read to its end. */
  drop(): void;
};

/** An outgoing body. */
export type PartSink = {
  /** Bytes that may be written now. */
  readonly room: number;
  /** The reason why no more can be written: the other end does not read it. */
  readonly failure: Error | undefined;
  /** Sends bytes, at most `room`; they are copied. */
  write(bytes: Uint8Array): void;
  /** Resolves when there is room, or `failure` is set. Never rejects. */
  ready(): Promise<void>;
  /** Ends the body as complete. */
  end(trailers?: Headers): void;
  /** Ends the body as incomplete. */
  fail(): void;
};

/** A pending outgoing request. */
export type Fetch = {
  readonly body: PartSink;
  /** The head, or the name of an error-code of wasi:http. Never rejects. */
  readonly response: Promise<{ readonly head: ResponseHead; readonly body: PartSource } | { readonly error: string }>;
  /** The guest does not read the answer. */
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
  /** Sends a request to the agent, and blocks the thread until the reply. The deadline ends the thread. */
  askNow(ask: CapabilityRequest, bytes?: Uint8Array): { reply: CapabilityReply; bytes: Uint8Array };
  fetch(ask: Omit<FetchRequest, 'do'>): Fetch;
  /** Whole lines, without their ends; bounded by the function's log limit. */
  log(source: LogSource, text: string): void;
};
