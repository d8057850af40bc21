/**
 * Runs functions: takes calls, keeps them in order, gives them to the runner's process, and gives each its result.
 *
 * The process is expendable. When it is lost, every call that it had is answered at once with `runner_lost`, because
 * such a call may have had effects. Calls that still wait here go to the next process.
 *
 * Invariants: `call` settles exactly once, at its deadline at the latest, or `graceMs` later when the process is stuck.
 * The process gets a call at most once. A call waits here only while the process has all the work that it can take.
 */

import { SkerryError } from '@skerry/shared/errors.ts';
import { decodeBundle } from '@skerry/shared/function/bundle.ts';
import type { Logger } from 'pino';
import type { Call, CallEvents, CallOutcome, Runner, RunnerStats } from './calls/call.ts';
import {
  type CapabilityHandler,
  type CapabilityRequests,
  createCapabilityRequests,
} from './calls/call-capabilities.ts';
import { createInFlight, type InFlight } from './calls/in-flight.ts';
import { OpenCalls } from './calls/open-calls.ts';
import { Pending } from './calls/pending.ts';
import { createWindow } from './calls/window.ts';
import { type CallDispatcher, createDispatcher } from './dispatcher.ts';
import { createLoads, type Loads } from './loads.ts';
import { guardMemory, type MemoryGuard } from './process/memory-guard.ts';
import { startRunnerProcess } from './process/process.ts';
import { runnerScript } from './process/script.ts';
import { createSupervisor, type Supervisor } from './process/supervisor.ts';
import { ThreadCounts } from './process/thread-counts.ts';
import { createProcessFrameRouter } from './process-frames.ts';
import * as stream from './protocol/stream-wire.ts';
import * as wire from './protocol/wire.ts';
import { createRecycler, type Recycler } from './recycle.ts';

export type RunnerOptions = {
  /** The bytes of a bundle, or undefined when the agent does not hold it. Calls of a bundle without bytes are refused. */
  readonly readBundle: (digest: string) => Uint8Array | undefined;
  readonly capabilities: CapabilityHandler;
  /** Most calls that run at once. */
  readonly threads: number;
  /** Most calls that wait beyond those that the process has. A further call is answered with `agent_busy`. */
  readonly queue: number;
  /** Milliseconds without use after which bundles, and then the process, are dropped. */
  readonly idleMs: number;
  /** Most bytes of memory of the runner's process. A process with more is ended. */
  readonly memoryBytes: number;
  /** True when the device has so little memory left that the runner must drop everything that is not in use. */
  readonly deviceIsShort: () => boolean;
  /** The process was lost while it had calls of these functions, each named once. The results of the calls follow. */
  readonly onLost: (functions: readonly string[]) => void;
  readonly log: Logger;
};

/** Milliseconds after its deadline at which a call without an answer shows that the process is stuck. */
const graceMs = 2_000;
/** Most milliseconds between two sweeps for unused bundles and an unused process. */
const maxSweepMs = 5_000;

/** @returns a runner whose functions may be used apart from it */
export function createRunner(options: RunnerOptions): Runner {
  const runner = new ProcessRunner(options);
  return {
    load: (digest) => runner.load(digest),
    unload: (digest) => runner.unload(digest),
    call: (call, events) => runner.call(call, events),
    part: (id, part) => runner.forward(id, (seq) => stream.encodePart(seq, part)),
    credit: (id, bytes) => runner.forward(id, (seq) => stream.encodeCredit(seq, bytes)),
    cancel: (id) => runner.cancel(id),
    stats: () => runner.stats(),
    close: () => runner.close(),
  };
}

/** Joins the calls without an answer, the code that is loaded, and the life of the process. */
class ProcessRunner {
  readonly #options: RunnerOptions;
  readonly #inFlight: InFlight;
  readonly #open: OpenCalls;
  readonly #threadCounts = new ThreadCounts();
  readonly #memory: MemoryGuard;
  readonly #supervisor: Supervisor;
  readonly #loads: Loads;
  readonly #requests: CapabilityRequests;
  readonly #recycler: Recycler;
  readonly #dispatcher: CallDispatcher;
  readonly #takeFrame: (content: Buffer) => void;
  readonly #sweeping: NodeJS.Timeout;
  #lastSeq = 0;
  #closed = false;

  constructor(options: RunnerOptions) {
    const { threads, idleMs, log } = options;
    this.#options = options;
    const window = createWindow(threads);
    this.#inFlight = createInFlight(window);
    this.#open = new OpenCalls(this.#inFlight, (seq) => this.#requests.callEnded(seq));
    this.#memory = guardMemory({
      limitBytes: options.memoryBytes,
      pid: () => this.#supervisor.current?.pid,
      end: () => this.#supervisor.current?.kill(),
      log,
    });
    this.#supervisor = this.#superviseProcess();
    this.#loads = createLoads({
      read: (digest) => decodeBundle(readCode(options.readBundle, digest)),
      onLoaded: () => this.#dispatcher.pump(),
    });
    this.#requests = createCapabilityRequests(
      options.capabilities,
      (seq) => this.#inFlight.get(seq)?.call.granted,
      (frame) => this.#sendToProcess(frame),
    );
    this.#recycler = createRecycler({
      idleMs,
      isShort: () => this.#memory.isShort || options.deviceIsShort(),
      isBusy: (digest) => this.#open.useBundle(digest),
      unload: (digest) => this.unload(digest),
      retire: () => this.#retireProcess(),
      now: () => performance.now(),
    });
    this.#dispatcher = createDispatcher({
      open: this.#open,
      inFlight: this.#inFlight,
      loads: this.#loads,
      recycler: this.#recycler,
      supervisor: this.#supervisor,
    });
    this.#takeFrame = createProcessFrameRouter({
      window,
      open: this.#open,
      inFlight: this.#inFlight,
      loads: this.#loads,
      requests: this.#requests,
      threadCounts: this.#threadCounts,
      send: (frame) => this.#sendToProcess(frame),
      onRoom: () => this.#dispatcher.pump(),
    });
    this.#sweeping = setInterval(() => this.#recycler.sweep(), Math.min(idleMs, maxSweepMs)).unref();
  }

  async load(digest: string): Promise<void> {
    this.#supervisor.get();
    this.#recycler.used(digest);
    await this.#loads.load(digest);
  }

  unload(digest: string): void {
    this.#recycler.forget(digest);
    if (this.#loads.forget(digest)) this.#sendToProcess(wire.encodeUnload(digest));
  }

  call(call: Call, events: CallEvents): Promise<CallOutcome> {
    // Capability requests use the upper half of the numbers.
    this.#lastSeq = (this.#lastSeq + 1) & (stream.firstRequestNumber - 1);
    return new Promise((settle) => {
      const pending = new Pending(call, events, this.#lastSeq, performance.now(), settle);
      if (this.#closed) return this.#open.fail(pending, 'agent_draining', 'the agent is shutting down');
      const { waiting } = this.#open;
      if (waiting >= this.#options.queue && (waiting > 0 || !this.#inFlight.mayTake(call.granted.function))) {
        return this.#open.fail(pending, 'agent_busy', `${waiting} calls are waiting already`);
      }
      pending.timer = setTimeout(() => this.#expire(pending), call.timeoutMs);
      this.#open.add(pending);
      this.#dispatcher.pump();
    });
  }

  /** Sends a part of the input, or a credit, once the call waits in its thread. */
  forward(id: string, encode: (seq: number) => Buffer): void {
    const pending = this.#open.get(id);
    if (!pending) return;
    if (pending.state === 'parked') this.#sendToProcess(encode(pending.seq));
    else pending.hold(encode(pending.seq));
  }

  cancel(id: string) {
    const pending = this.#open.get(id);
    if (!pending) return;
    if (pending.state !== 'waiting') return this.#sendToProcess(wire.encodeCancel(pending.seq));
    this.#open.failWaiting(pending, 'cancelled', 'the caller no longer waits for this call');
  }

  stats(): RunnerStats {
    const { threads } = this.#threadCounts;
    const { active, parked } = this.#inFlight;
    const room = Math.max(this.#options.threads, threads);
    return {
      running: Math.min(active, room),
      parked,
      queued: this.#open.waiting + Math.max(0, active - room),
      threads,
      restarts: this.#supervisor.restarts,
      threadsEnded: this.#threadCounts.ended,
      memoryBytes: this.#memory.bytes,
      memoryIsLimited: this.#memory.group !== undefined,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sweeping);
    this.#memory.close();
    this.#open.failAllWaiting('agent_draining', 'the agent is shutting down');
    await this.#supervisor.close();
    this.#loads.detach();
  }

  #superviseProcess(): Supervisor {
    const { threads, idleMs, log } = this.#options;
    const script = runnerScript();
    script.catch((error: unknown) => log.error({ err: error }, 'the runner has no script'));
    return createSupervisor({
      random: Math.random,
      now: () => performance.now(),
      start: async (onExit) =>
        startRunnerProcess({
          script: await script,
          settings: { threads, idleMs },
          group: this.#memory.group,
          log,
          onFrame: (content) => this.#takeFrame(content),
          onExit,
        }),
      onUp: (process) => {
        this.#loads.attach(process);
        this.#dispatcher.pump();
      },
      onLost: (end) => this.#onLost(end),
    });
  }

  #onLost(end: string): void {
    const { log, onLost } = this.#options;
    const lost = this.#inFlight.all();
    this.#forgetProcess();
    if (!this.#closed) {
      log.warn({ end, calls: lost.length, restarts: this.#supervisor.restarts }, 'runner lost');
      onLost([...new Set(lost.map(({ call }) => call.granted.function))]);
    }
    for (const pending of lost) this.#open.fail(pending, 'runner_lost', 'the runner ended while it had the call');
    if (this.#open.waiting > 0 || this.#loads.wanted()) this.#supervisor.get();
  }

  #retireProcess(): void {
    if (this.#open.size > 0 || this.#loads.wanted() || !this.#supervisor.retire()) return;
    this.#forgetProcess();
    this.#options.log.debug('runner retired');
  }

  #forgetProcess(): void {
    this.#threadCounts.forgetProcess();
    this.#loads.detach();
    this.#requests.reset();
  }

  #sendToProcess(frame: Buffer): void {
    this.#supervisor.current?.send(frame);
  }

  /** Ends a call that still waits, and a stuck process. The process itself ends the calls that it has in time. */
  #expire(pending: Pending) {
    if (pending.state === 'waiting') {
      const message = `no answer within ${pending.call.timeoutMs} ms; the call had not started`;
      return this.#open.failWaiting(pending, 'function_timeout', message);
    }
    pending.timer = setTimeout(() => {
      this.#options.log.error({ invocation: pending.call.id }, 'the runner is stuck');
      this.#supervisor.current?.kill();
    }, graceMs);
  }
}

/** @throws SkerryError('code_unavailable') when the bundle is not here or its file cannot be used: nothing has started */
function readCode(readBundle: RunnerOptions['readBundle'], digest: string): Uint8Array {
  let bytes: Uint8Array | undefined;
  try {
    bytes = readBundle(digest);
  } catch (cause) {
    throw new SkerryError('code_unavailable', `bundle ${digest.slice(0, 12)} cannot be read now`, { cause });
  }
  if (!bytes) throw new SkerryError('code_unavailable', `bundle ${digest.slice(0, 12)} is not here`);
  return bytes;
}
