/** The runner as the agent sees it: calls in, what becomes of them out. */
import type { Grants } from '@skerry/shared/function/manifest.ts';
import type { Headers, RequestHead, ResponseHead } from '@skerry/shared/http/http.ts';
import type { Result } from '@skerry/shared/result.ts';
import type { LogEntry, Part } from '../protocol/stream-wire.ts';

export type Call = {
  /** Id of the invocation; unique among the calls under way. */
  id: string;
  /** Digest of the bundle. */
  bundle: string;
  /** JSON of `Surroundings` (runner/protocol/wire.ts): what the function sees. */
  environment: string;
  /** On whose behalf the runner may ask for something: the function's id and what it was granted. */
  granted: Granted;
  instance: 'fresh' | 'reuse';
  /** Limit of an output that is held whole, in bytes. */
  outputBytes: number;
  /** From now to the answer, waiting included. */
  timeoutMs: number;
  /** The request, when the call came over HTTP. */
  request?: RequestHead | undefined;
  /** Parts of the input follow. */
  streams?: boolean;
  input: Uint8Array;
};

export type Granted = { readonly function: string; readonly grants: Grants };

export type CallEvents = {
  /** Just before the call is handed to the runner's process. */
  onStart(): void;
  /** The function has begun an answer that comes in parts. */
  onHead?(head: ResponseHead): void;
  /** Part of the answer's body, in order; the bytes are a view. */
  onPart?(part: Part): void;
  /** The function takes so many bytes more of the request's body. */
  onCredit?(bytes: number): void;
  onLog?(entry: LogEntry): void;
};

export type CallOutcome = {
  result: Result;
  /** Head of an HTTP answer that came whole. */
  head?: ResponseHead | undefined;
  trailers?: Headers | undefined;
  /** From the start in a thread to the result, in microseconds; 0 when there was no result. */
  durationUs: number;
  /** True when the code had to be loaded first. */
  cold: boolean;
  /** False: certainly never given to a thread. */
  started: boolean;
};

export type Runner = {
  /**
   * Compiles ahead, so that the next call is warm. Rejects with SkerryError('function_load_failed'), or with
   * 'code_unavailable' when the code is not here.
   */
  load(digest: string): Promise<void>;
  unload(digest: string): void;
  /** Never rejects. */
  call(call: Call, events: CallEvents): Promise<CallOutcome>;
  /** Part of the input of a call that streams; dropped when it is not under way. */
  part(id: string, part: Part): void;
  /** So many bytes more of the answer may come. */
  credit(id: string, bytes: number): void;
  /** Ends a call with `cancelled`; one that is not under way is left alone. */
  cancel(id: string): void;
  stats(): RunnerStats;
  /** Ends the process; what is under way is answered with `runner_lost`, what waits with `agent_draining`. */
  close(): Promise<void>;
};

export type RunnerStats = {
  /** Calls that run in a thread. */
  readonly running: number;
  /** Calls that wait in a thread, and hold nothing but memory. */
  readonly parked: number;
  /** Calls that wait for a thread. */
  readonly queued: number;
  readonly threads: number;
  /** Processes lost so far, and threads ended before their time. */
  readonly restarts: number;
  readonly threadsEnded: number;
  /** Memory of the process at the last look, in bytes. */
  readonly memoryBytes: number;
  /** The operating system holds it to its limit, so that it is not only looked at. */
  readonly memoryIsLimited: boolean;
};
