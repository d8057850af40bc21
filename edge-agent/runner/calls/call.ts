/** The runner as the agent sees it: calls in, outcomes out. */
import type { Grants } from '@skerry/shared/function/manifest.ts';
import type { Headers, RequestHead, ResponseHead } from '@skerry/shared/http/http.ts';
import type { Result } from '@skerry/shared/result.ts';
import type { LogEntry, PipePart } from '../protocol/stream-wire.ts';

export type Call = {
  /** Id of the invocation; unique among the calls in progress. */
  id: string;
  /** Digest of the bundle. */
  bundle: string;
  /** JSON of `GuestEnvironment` (runner/protocol/wire.ts). */
  environment: string;
  /** The function on whose behalf the runner may send requests: its id and its grants. */
  granted: Granted;
  instance: 'fresh' | 'reuse';
  /** Largest output that is held whole, in bytes. */
  outputBytes: number;
  /** Milliseconds from now to the answer, waiting included. */
  timeoutMs: number;
  /** The request, when the call came over HTTP. */
  request?: RequestHead | undefined;
  /** Parts of the input follow. */
  streams?: boolean;
  input: Uint8Array;
};

export type Granted = { readonly function: string; readonly grants: Grants };

export type CallEvents = {
  /** Just before the call is given to the runner's process. */
  onStart(): void;
  /** The function has begun an answer in parts. */
  onHead?(head: ResponseHead): void;
  /** Part of the answer's body, in order; the bytes are a view. */
  onPart?(part: PipePart): void;
  /** The function takes this number of further bytes of the request's body. */
  onCredit?(bytes: number): void;
  onLog?(entry: LogEntry): void;
};

export type CallOutcome = {
  result: Result;
  /** Head of a complete HTTP answer. */
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
  /** Part of the input of a streaming call; dropped when the call is not in progress. */
  part(id: string, part: PipePart): void;
  /** This number of further bytes of the answer may come. */
  credit(id: string, bytes: number): void;
  /** Ends a call with `cancelled`; a call that is not in progress is ignored. */
  cancel(id: string): void;
  stats(): RunnerStats;
  /** Ends the process; running calls are answered with `runner_lost`, waiting ones with `agent_draining`. */
  close(): Promise<void>;
};

export type RunnerStats = {
  /** Calls that run in a thread. */
  readonly running: number;
  /** Calls that wait in a thread, and hold only memory. */
  readonly parked: number;
  /** Calls that wait for a thread. */
  readonly queued: number;
  readonly threads: number;
  /** Processes lost so far, and threads ended early. */
  readonly restarts: number;
  readonly threadsEnded: number;
  /** Memory of the process at the last look, in bytes. */
  readonly memoryBytes: number;
  /** The operating system enforces the memory limit, in addition to periodic looks. */
  readonly memoryIsLimited: boolean;
};
