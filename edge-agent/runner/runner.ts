/**
 * Runs functions: takes calls, keeps them in order, hands them to the runner's process and gives each its result.
 *
 * The process is expendable. When it is lost, every call that it had is answered at once with `runner_lost`, because
 * it may have had effects; calls that still wait here are given to the next process.
 *
 * Invariants: `call` settles exactly once, at its deadline at the latest (plus `graceMs` when the process is stuck);
 * no call is handed over twice; a call waits here only while the process has all the work it can take.
 */
import { decodeBundle } from '@skerry/shared/bundle.ts';
import { type ErrorCode, SkerryError } from '@skerry/shared/errors.ts';
import type { Logger } from 'pino';
import { createLoads } from './loads.ts';
import { type RunnerProcess, startRunnerProcess } from './process.ts';
import { runnerScript } from './script.ts';
import { createSupervisor } from './supervisor.ts';
import { createWindow } from './window.ts';
import {
  decodeResult,
  encodeCall,
  encodeCancel,
  encodeUnload,
  kinds,
  readDigest,
  readLoadedMessage,
  readNumber,
} from './wire.ts';

export type Call = {
  /** Id of the invocation; unique among the calls under way. */
  id: string;
  /** Digest of the bundle. */
  bundle: string;
  env: Record<string, string>;
  /** After the program's name; for command worlds. */
  args: readonly string[];
  instance: 'fresh' | 'reuse';
  /** Limit of the output, in bytes. */
  outputBytes: number;
  /** From now to the answer, waiting included. */
  timeoutMs: number;
  input: Uint8Array;
};

export type CallResult = {
  result: { ok: true; output: Uint8Array } | { ok: false; code: ErrorCode; message: string };
  /** From the start in a thread to the result, in microseconds; 0 when there was no result. */
  durationUs: number;
  /** True when the code had to be loaded first. */
  cold: boolean;
  /** False: certainly never given to a thread. */
  started: boolean;
};

export type Runner = {
  /** Compiles ahead, so that the next call is warm. Rejects with SkerryError('function_load_failed'). */
  load(digest: string): Promise<void>;
  unload(digest: string): void;
  /** Never rejects. `onStart` is called just before the call is handed to a thread. */
  call(call: Call, onStart: () => void): Promise<CallResult>;
  /** Ends a call with `cancelled`; one that is not under way is left alone. */
  cancel(id: string): void;
  /** Calls that the process has, calls that wait, threads there are, losses of the process so far. */
  stats(): { running: number; queued: number; threads: number; restarts: number };
  /** Ends the process; what is under way is answered with `runner_lost`, what waits with `agent_draining`. */
  close(): Promise<void>;
};

/** How long after its deadline a call may be unanswered before the process counts as stuck. */
const graceMs = 2_000;

type Pending = {
  readonly call: Call;
  readonly onStart: () => void;
  readonly settle: (result: CallResult) => void;
  readonly deadline: number;
  readonly seq: number;
  state: 'waiting' | 'sent' | 'done';
  cold: boolean;
  /** The load of its code that it waits for. */
  code: Promise<void> | undefined;
  timer: NodeJS.Timeout | undefined;
};

/**
 * @param options.readBundle bytes of a bundle that is held, or undefined
 * @param options.threads calls that run at one time, at most
 * @param options.queue calls that may wait beyond those the process has; one more is answered with `agent_busy`
 */
export function createRunner(options: {
  readBundle: (digest: string) => Uint8Array | undefined;
  threads: number;
  queue: number;
  log: Logger;
}): Runner {
  const { readBundle, threads, queue, log } = options;
  const window = createWindow(threads);
  const waiting: Pending[] = [];
  const sent = new Map<number, Pending>();
  const byId = new Map<string, Pending>();
  const script = runnerScript();
  script.catch((error: unknown) => log.error({ err: error }, 'the runner has no script'));
  let lastSeq = 0;
  let liveThreads = 0;
  let closed = false;

  const supervisor = createSupervisor({
    random: Math.random,
    now: () => performance.now(),
    start: async (onExit) => startRunnerProcess({ script: await script, threads, log, onFrame, onExit }),
    onUp: (process) => {
      loads.attach(process);
      pump();
    },
    onLost: (end) => {
      liveThreads = 0;
      loads.detach();
      const lost = [...sent.values()];
      if (!closed) log.warn({ end, calls: lost.length, restarts: supervisor.restarts }, 'runner lost');
      for (const pending of lost) fail(pending, 'runner_lost', 'the runner ended while it had the call');
      if (waiting.length > 0 || loads.wanted()) supervisor.get();
    },
  });

  const loads = createLoads({
    read: (digest) => {
      const bytes = readBundle(digest);
      if (!bytes) throw new SkerryError('function_load_failed', `bundle ${digest.slice(0, 12)} is not here`);
      return decodeBundle(bytes);
    },
    onLoaded: () => pump(),
  });

  function onFrame(content: Buffer): void {
    switch (content[0]) {
      case kinds.result: {
        const { seq, started, durationUs, result } = decodeResult(content);
        window.ended(durationUs);
        const pending = sent.get(seq);
        if (pending) finish(pending, { result, durationUs, cold: pending.cold, started });
        pump();
        return;
      }
      case kinds.loaded:
        loads.loaded(readDigest(content), readLoadedMessage(content));
        return;
      case kinds.threads:
        liveThreads = readNumber(content);
        return;
      default:
        log.error({ kind: content[0] }, 'a frame of unknown kind from the runner');
    }
  }

  function finish(pending: Pending, result: CallResult): void {
    if (pending.state === 'done') return;
    pending.state = 'done';
    clearTimeout(pending.timer);
    sent.delete(pending.seq);
    byId.delete(pending.call.id);
    pending.settle(result);
  }

  function fail(pending: Pending, code: ErrorCode, message: string): void {
    const started = pending.state === 'sent';
    finish(pending, { result: { ok: false, code, message }, durationUs: 0, cold: pending.cold, started });
  }

  /** Hands over what can be, in order; a call whose code is still loading lets those behind it pass. */
  function pump(): void {
    if (waiting.length === 0 || sent.size >= window.size) return;
    const process = supervisor.get();
    if (!process) return;
    for (let at = 0; at < waiting.length && sent.size < window.size; ) {
      const pending = waiting[at];
      if (pending && loads.has(pending.call.bundle)) {
        waiting.splice(at, 1);
        send(process, pending);
      } else {
        if (pending) awaitCode(pending);
        at += 1;
      }
    }
  }

  function awaitCode(pending: Pending): void {
    pending.cold = true;
    const code = loads.load(pending.call.bundle);
    if (code === pending.code) return;
    pending.code = code;
    code.catch((error: SkerryError) => {
      if (pending.state !== 'waiting' || pending.code !== code) return;
      withdraw(pending);
      fail(pending, error.code, error.message);
    });
  }

  function withdraw(pending: Pending): void {
    const at = waiting.indexOf(pending);
    if (at >= 0) waiting.splice(at, 1);
  }

  function send(process: RunnerProcess, pending: Pending): void {
    const { call, seq } = pending;
    pending.state = 'sent';
    sent.set(seq, pending);
    pending.onStart();
    process.send(
      encodeCall({
        seq,
        timeoutMs: Math.max(1, Math.ceil(pending.deadline - performance.now())),
        digest: call.bundle,
        reuse: call.instance === 'reuse',
        outputBytes: call.outputBytes,
        surroundings: JSON.stringify({ env: call.env, args: call.args }),
        input: call.input,
      }),
    );
  }

  /** The process answers for deadlines of what it has; this is for what waits, and for a process that is stuck. */
  function expire(pending: Pending): void {
    if (pending.state === 'waiting') {
      withdraw(pending);
      fail(pending, 'function_timeout', `no answer within ${pending.call.timeoutMs} ms; the call had not started`);
      return;
    }
    pending.timer = setTimeout(() => {
      log.error({ invocation: pending.call.id }, 'the runner is stuck');
      supervisor.get()?.kill();
    }, graceMs);
  }

  return {
    async load(digest) {
      supervisor.get();
      await loads.load(digest);
    },
    unload(digest) {
      if (loads.forget(digest)) supervisor.get()?.send(encodeUnload(digest));
    },
    call(call, onStart) {
      lastSeq = (lastSeq + 1) >>> 0;
      return new Promise((settle) => {
        const pending: Pending = {
          call,
          onStart,
          settle,
          deadline: performance.now() + call.timeoutMs,
          seq: lastSeq,
          state: 'waiting',
          cold: false,
          code: undefined,
          timer: undefined,
        };
        if (closed) return fail(pending, 'agent_draining', 'the agent is shutting down');
        if (waiting.length >= queue && (sent.size >= window.size || waiting.length > 0)) {
          return fail(pending, 'agent_busy', `${waiting.length} calls are waiting already`);
        }
        pending.timer = setTimeout(expire, call.timeoutMs, pending);
        byId.set(call.id, pending);
        waiting.push(pending);
        pump();
      });
    },
    cancel(id) {
      const pending = byId.get(id);
      if (pending?.state === 'sent') supervisor.get()?.send(encodeCancel(pending.seq));
      if (pending?.state === 'waiting') {
        withdraw(pending);
        fail(pending, 'cancelled', 'nobody waits for this call any more');
      }
    },
    stats: () => ({
      running: Math.min(sent.size, threads),
      queued: waiting.length + Math.max(0, sent.size - threads),
      threads: liveThreads,
      restarts: supervisor.restarts,
    }),
    async close() {
      closed = true;
      for (const pending of waiting.splice(0)) fail(pending, 'agent_draining', 'the agent is shutting down');
      await supervisor.close();
      loads.detach();
    },
  };
}
