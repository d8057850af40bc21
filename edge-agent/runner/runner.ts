/**
 * Runs functions: takes calls, keeps them in order, hands them to the runner's process and gives each its result.
 *
 * The process is expendable. When it is lost, every call that it had is answered at once with `runner_lost`, because
 * it may have had effects; calls that still wait here are given to the next process.
 *
 * Invariants: `call` settles exactly once, at its deadline at the latest (plus `graceMs` when the process is stuck);
 * no call is handed over twice; a call waits here only while the process has all the work it can take.
 *
 * Somewhat over 300 lines, because the life of a call, the life of the process and the code that is loaded meet here;
 * each of them is a file of its own.
 */

import { type ErrorCode, SkerryError } from '@skerry/shared/errors.ts';
import { decodeBundle } from '@skerry/shared/function/bundle.ts';
import type { Logger } from 'pino';
import type { CallOutcome, Runner } from './calls/call.ts';
import { type CapabilityHandler, createCapabilityRequests } from './calls/call-capabilities.ts';
import { checkedAnswer, deliver } from './calls/deliver.ts';
import { createInFlight } from './calls/in-flight.ts';
import { Pending } from './calls/pending.ts';
import { createWindow } from './calls/window.ts';
import { createLoads } from './loads.ts';
import { guardMemory } from './process/memory-guard.ts';
import { type RunnerProcess, startRunnerProcess } from './process/process.ts';
import { runnerScript } from './process/script.ts';
import { createSupervisor } from './process/supervisor.ts';
import * as stream from './protocol/stream-wire.ts';
import * as wire from './protocol/wire.ts';
import { createRecycler } from './recycle.ts';

export type RunnerOptions = {
  /** Bytes of a bundle that is held, or undefined. Calls of one that is not, or cannot be read, are refused. */
  readonly readBundle: (digest: string) => Uint8Array | undefined;
  readonly capabilities: CapabilityHandler;
  /** Calls that run at one time, at most. */
  readonly threads: number;
  /** Calls that may wait beyond those the process has; one more is answered with `agent_busy`. */
  readonly queue: number;
  /** What was not used for so long is dropped, in milliseconds. */
  readonly idleMs: number;
  /** Memory of the runner's process; more, and it is ended. */
  readonly memoryBytes: number;
  /** True when the device has so little memory left that everything that is not in use shall be dropped. */
  readonly deviceIsShort: () => boolean;
  /** The process was lost: it had calls of these functions, each named once. Their results follow. */
  readonly onLost: (functions: readonly string[]) => void;
  readonly log: Logger;
};

/** How long after its deadline a call may be unanswered before the process counts as stuck. */
const graceMs = 2_000;
/** How often is looked for what can go, at most, in milliseconds. */
const sweepMs = 5_000;

export function createRunner(options: RunnerOptions): Runner {
  const { readBundle, threads, queue, idleMs, log } = options;
  const window = createWindow(threads);
  const waiting: Pending[] = [];
  const inFlight = createInFlight(window);
  const byId = new Map<string, Pending>();
  const script = runnerScript();
  script.catch((error: unknown) => log.error({ err: error }, 'the runner has no script'));
  const memory = guardMemory({
    limitBytes: options.memoryBytes,
    pid: () => supervisor.current?.pid,
    end: () => supervisor.current?.kill(),
    log,
  });
  let lastSeq = 0;
  let live = { threads: 0, ended: 0 };
  let endedBefore = 0;
  let closed = false;

  const supervisor = createSupervisor({
    random: Math.random,
    now: () => performance.now(),
    start: async (onExit) =>
      startRunnerProcess({
        script: await script,
        settings: { threads, idleMs },
        group: memory.group,
        log,
        onFrame,
        onExit,
      }),
    onUp: (process) => {
      loads.attach(process);
      pump();
    },
    onLost: (end) => {
      const lost = inFlight.all();
      forgetProcess();
      if (!closed) log.warn({ end, calls: lost.length, restarts: supervisor.restarts }, 'runner lost');
      if (!closed) options.onLost([...new Set(lost.map(({ call }) => call.granted.function))]);
      for (const pending of lost) fail(pending, 'runner_lost', 'the runner ended while it had the call');
      if (waiting.length > 0 || loads.wanted()) supervisor.get();
    },
  });

  const loads = createLoads({
    read: (digest) => decodeBundle(codeOf(digest)),
    onLoaded: () => pump(),
  });
  const asks = createCapabilityRequests(
    options.capabilities,
    (seq) => inFlight.get(seq)?.call.granted,
    (frame) => supervisor.current?.send(frame),
  );
  const recycler = createRecycler({
    idleMs,
    isShort: () => memory.isShort || options.deviceIsShort(),
    isBusy: (digest) => [...byId.values()].some(({ call }) => call.bundle === digest),
    unload: (digest) => unload(digest),
    retire() {
      if (byId.size > 0 || loads.wanted() || !supervisor.retire()) return;
      forgetProcess();
      log.debug('runner retired');
    },
    now: () => performance.now(),
  });
  const sweeping = setInterval(() => recycler.sweep(), Math.min(idleMs, sweepMs)).unref();

  /** @throws SkerryError('code_unavailable') also while the file that has it cannot be used: nothing has started */
  function codeOf(digest: string): Uint8Array {
    let bytes: Uint8Array | undefined;
    try {
      bytes = readBundle(digest);
    } catch (cause) {
      throw new SkerryError('code_unavailable', `bundle ${digest.slice(0, 12)} cannot be read now`, { cause });
    }
    if (!bytes) throw new SkerryError('code_unavailable', `bundle ${digest.slice(0, 12)} is not here`);
    return bytes;
  }

  function forgetProcess(): void {
    endedBefore += live.ended;
    live = { threads: 0, ended: 0 };
    loads.detach();
    asks.reset();
  }

  function onFrame(content: Buffer) {
    const { kinds } = wire;
    switch (content[0]) {
      case kinds.result:
        return onResult(wire.decodeResult(content));
      case kinds.loaded:
        return loads.loaded(wire.readDigest(content), wire.readLoadedMessage(content));
      case kinds.threads:
        live = { threads: wire.readNumber(content), ended: wire.readEnded(content) };
        return;
      case kinds.ask:
        return asks.receive(content);
      case kinds.part:
      case kinds.credit:
        if (wire.readNumber(content) >= stream.firstRequestNumber) return asks.receive(content);
        break;
    }
    const pending = inFlight.get(wire.readNumber(content));
    if (pending) onCallFrame(pending, content);
  }

  function onResult(frame: wire.ResultFrame): void {
    const { seq, started, durationUs } = frame;
    const pending = inFlight.get(seq);
    if (!pending) return;
    window.ended(durationUs);
    finish(pending, { ...checkedAnswer(frame), durationUs, cold: pending.cold, started });
    pump();
  }

  function onCallFrame(pending: Pending, content: Buffer) {
    if (content[0] === wire.kinds.parked) {
      inFlight.park(pending);
      for (const frame of pending.takeHeld()) supervisor.current?.send(frame);
      return pump();
    }
    const fault = deliver(content, pending.events);
    if (fault === undefined) return;
    supervisor.current?.send(wire.encodeCancel(pending.seq));
    fail(pending, 'function_output_invalid', fault);
  }

  function finish(pending: Pending, result: CallOutcome): void {
    if (pending.state === 'done') return;
    inFlight.remove(pending);
    pending.state = 'done';
    clearTimeout(pending.timer);
    byId.delete(pending.call.id);
    asks.callEnded(pending.seq);
    pending.settle(result);
  }

  function fail(pending: Pending, code: ErrorCode, message: string): void {
    const started = pending.state !== 'waiting';
    const result = { ok: false, code, message } as const;
    finish(pending, { result, durationUs: 0, cold: pending.cold, started });
  }

  /** Hands over what can be, in order; a call whose code is still loading lets those behind it pass. */
  function pump(): void {
    if (waiting.length === 0 || inFlight.full) return;
    const process = supervisor.get();
    if (!process) return;
    for (let at = 0; at < waiting.length && !inFlight.full; ) {
      const pending = waiting[at];
      if (pending && inFlight.mayTake(pending.call.granted.function) && hasCode(pending)) {
        waiting.splice(at, 1);
        send(process, pending);
      } else at += 1;
    }
  }

  function hasCode(pending: Pending): boolean {
    if (loads.has(pending.call.bundle)) return true;
    pending.cold = true;
    const code = loads.load(pending.call.bundle);
    if (code === pending.code) return false;
    pending.code = code;
    code.catch((error: SkerryError) => {
      if (pending.state !== 'waiting' || pending.code !== code) return;
      withdraw(pending);
      fail(pending, error.code, error.message);
    });
    return false;
  }

  function withdraw(pending: Pending): void {
    const at = waiting.indexOf(pending);
    if (at >= 0) waiting.splice(at, 1);
  }

  function send(process: RunnerProcess, pending: Pending): void {
    const { call, seq } = pending;
    pending.state = 'sent';
    inFlight.add(pending);
    recycler.used(call.bundle);
    pending.events.onStart();
    process.send(
      wire.encodeCall({
        seq,
        timeoutMs: Math.max(1, Math.ceil(pending.deadline - performance.now())),
        digest: call.bundle,
        reuse: call.instance === 'reuse',
        outputBytes: call.outputBytes,
        environment: call.environment,
        request: call.request,
        streams: call.streams ?? false,
        input: call.input,
      }),
    );
  }

  /** A part of the input, or a credit, reaches the call as soon as it waits. */
  function forward(id: string, encode: (seq: number) => Buffer): void {
    const pending = byId.get(id);
    if (!pending) return;
    if (pending.state === 'parked') supervisor.current?.send(encode(pending.seq));
    else pending.hold(encode(pending.seq));
  }

  function unload(digest: string): void {
    recycler.forget(digest);
    if (loads.forget(digest)) supervisor.current?.send(wire.encodeUnload(digest));
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
      supervisor.current?.kill();
    }, graceMs);
  }

  return {
    async load(digest) {
      supervisor.get();
      recycler.used(digest);
      await loads.load(digest);
    },
    unload,
    call(call, events) {
      // The upper half of the numbers is for asks.
      lastSeq = (lastSeq + 1) & (stream.firstRequestNumber - 1);
      return new Promise((settle) => {
        const pending = new Pending(call, events, lastSeq, performance.now(), settle);
        if (closed) return fail(pending, 'agent_draining', 'the agent is shutting down');
        if (waiting.length >= queue && (waiting.length > 0 || !inFlight.mayTake(call.granted.function))) {
          return fail(pending, 'agent_busy', `${waiting.length} calls are waiting already`);
        }
        pending.timer = setTimeout(expire, call.timeoutMs, pending);
        byId.set(call.id, pending);
        waiting.push(pending);
        pump();
      });
    },
    part: (id, part) => forward(id, (seq) => stream.encodePart(seq, part)),
    credit: (id, bytes) => forward(id, (seq) => stream.encodeCredit(seq, bytes)),
    cancel(id) {
      const pending = byId.get(id);
      if (!pending) return;
      if (pending.state !== 'waiting') return supervisor.current?.send(wire.encodeCancel(pending.seq));
      withdraw(pending);
      fail(pending, 'cancelled', 'nobody waits for this call any more');
    },
    stats: () => ({
      running: Math.min(inFlight.active, Math.max(threads, live.threads)),
      parked: inFlight.parked,
      queued: waiting.length + Math.max(0, inFlight.active - Math.max(threads, live.threads)),
      threads: live.threads,
      restarts: supervisor.restarts,
      threadsEnded: endedBefore + live.ended,
      memoryBytes: memory.bytes,
      memoryIsLimited: memory.group !== undefined,
    }),
    async close() {
      closed = true;
      clearInterval(sweeping);
      memory.close();
      for (const pending of waiting.splice(0)) fail(pending, 'agent_draining', 'the agent is shutting down');
      await supervisor.close();
      loads.detach();
    },
  };
}
