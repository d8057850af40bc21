/**
 * Hands calls that wait to the runner's process, in order. A call whose code is still loading lets later calls pass.
 *
 * Invariant: the process gets a call at most once, and only while it has room for the call.
 */
import type { SkerryError } from '@skerry/shared/errors.ts';
import type { InFlight } from './calls/in-flight.ts';
import type { OpenCalls } from './calls/open-calls.ts';
import type { Pending } from './calls/pending.ts';
import type { Loads } from './loads.ts';
import type { RunnerProcess } from './process/process.ts';
import type { Supervisor } from './process/supervisor.ts';
import { encodeCall } from './protocol/wire.ts';
import type { Recycler } from './recycle.ts';

type DispatcherOptions = {
  readonly open: OpenCalls;
  readonly inFlight: InFlight;
  readonly loads: Pick<Loads, 'has' | 'load'>;
  readonly recycler: Pick<Recycler, 'used'>;
  readonly supervisor: Pick<Supervisor, 'get'>;
};

export type CallDispatcher = {
  /** Hands over each call that may start now. Starts a process when a call waits and there is none. */
  pump(): void;
};

export function createDispatcher({ open, inFlight, loads, recycler, supervisor }: DispatcherOptions): CallDispatcher {
  const hasCode = (pending: Pending): boolean => {
    if (loads.has(pending.call.bundle)) return true;
    pending.cold = true;
    const code = loads.load(pending.call.bundle);
    if (code === pending.code) return false;
    pending.code = code;
    code.catch((error: SkerryError) => {
      if (pending.state !== 'waiting' || pending.code !== code) return;
      open.failWaiting(pending, error.code, error.message);
    });
    return false;
  };
  const mayStart = (pending: Pending) => inFlight.mayTake(pending.call.granted.function) && hasCode(pending);
  const start = (process: RunnerProcess, pending: Pending) => {
    pending.state = 'sent';
    inFlight.add(pending);
    recycler.used(pending.call.bundle);
    pending.events.onStart();
    process.send(toFrame(pending));
  };

  return {
    pump() {
      if (open.waiting === 0 || inFlight.full) return;
      const process = supervisor.get();
      if (process) open.takeWaiting(mayStart, (pending) => start(process, pending));
    },
  };
}

function toFrame({ call, seq, deadline }: Pending): Buffer {
  return encodeCall({
    seq,
    timeoutMs: Math.max(1, Math.ceil(deadline - performance.now())),
    digest: call.bundle,
    reuse: call.instance === 'reuse',
    outputBytes: call.outputBytes,
    environment: call.environment,
    request: call.request,
    streams: call.streams ?? false,
    input: call.input,
  });
}
