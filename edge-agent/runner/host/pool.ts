/**
 * The threads of the runner, and which call is where.
 *
 * A thread runs one call and may have more ahead, so that it does not wait for the main thread between two calls, and
 * so that short ones come and go in batches. What lies behind a call that takes long is taken back and goes to
 * another thread. Deadlines end threads.
 *
 * Invariants: every call that was submitted is replied to once; a call that is running on a thread is never given to
 * another one.
 */
import { encodeResult, type RunnerCode } from '../wire.ts';
import type { Bundles } from './bundles.ts';
import { type PoolThread, startThread } from './pool-thread.ts';

export type PoolCall = { readonly seq: number; readonly digest: string; readonly content: Uint8Array<ArrayBuffer> };

export type Pool = {
  submit(call: PoolCall, timeoutMs: number): void;
  /** Stops the call wherever it is; one that is running takes its thread with it. */
  cancel(seq: number): void;
  /** No thread shall hold this bundle any more. */
  forget(digest: string): void;
};

type Waiting = PoolCall & { timer: NodeJS.Timeout };

/** A call that runs longer than this many milliseconds (up to twice as long) is not waited for by others. */
const stallMs = 4;
/** Calls that a thread may have behind the one that runs: how many there are at all is the agent's to say. */
const callsAhead = 15;

export function createPool(options: {
  script: URL;
  /** Threads at most. */
  size: number;
  bundles: Bundles;
  /** Takes a result frame. */
  reply(frame: Uint8Array): void;
  onSize(threads: number): void;
}): Pool {
  const { size, bundles, reply } = options;
  const queue: Waiting[] = [];
  const threads = new Set<PoolThread<Waiting>>();
  let stallTimer: NodeJS.Timeout | undefined;

  const refuse = ({ seq, timer }: Waiting, started: boolean, code: RunnerCode, message: string) => {
    clearTimeout(timer);
    reply(encodeResult({ seq, started, durationUs: 0, result: { ok: false, code, message } }));
  };

  const start = () => {
    const thread = startThread<Waiting>(options.script, {
      onReady: () => dispatch(),
      onResult(call, frame) {
        clearTimeout(call.timer);
        reply(frame);
        dispatch();
      },
      onLost(begun, ahead, { code, message, seq }) {
        threads.delete(thread);
        for (const call of begun) {
          if (seq === undefined || seq === call.seq) refuse(call, true, code, message);
          else refuse(call, true, 'runner_lost', 'its thread was ended because of another call');
        }
        queue.unshift(...ahead);
        options.onSize(threads.size);
        dispatch();
      },
    });
    threads.add(thread);
    options.onSize(threads.size);
  };

  const give = (thread: PoolThread<Waiting>, call: Waiting) => {
    const bundle = bundles.get(call.digest);
    if (!bundle) return refuse(call, false, 'function_load_failed', 'the function is not loaded');
    thread.give(call, call.digest, bundle);
  };

  const idle = (digest: string): PoolThread<Waiting> | undefined => {
    let found: PoolThread<Waiting> | undefined;
    for (const thread of threads) {
      if (!thread.ready || thread.load > 0 || !thread.hasRoom()) continue;
      if (thread.holds(digest)) return thread;
      found ??= thread;
    }
    return found;
  };

  /** The thread with the fewest calls, when none is idle. */
  const withRoomAhead = () => {
    let found: PoolThread<Waiting> | undefined;
    for (const thread of threads) {
      if (!thread.ready || thread.stalled || thread.load > callsAhead || !thread.hasRoom()) continue;
      if (!found || thread.load < found.load) found = thread;
    }
    return found;
  };

  const dispatch = () => {
    for (let call = queue[0]; call; call = queue[0]) {
      const thread = idle(call.digest);
      if (!thread && threads.size < size && ![...threads].some(({ ready }) => !ready)) start();
      const taker = thread ?? withRoomAhead();
      if (!taker) break;
      queue.shift();
      give(taker, call);
    }
    if (queue.length === 0) shareAhead();
    if (!stallTimer && [...threads].some(({ load }) => load > 1)) stallTimer = setInterval(takeBackStalled, stallMs);
  };

  /** Nothing waits: an idle thread helps out one that has a call ahead. */
  const shareAhead = () => {
    for (const thread of threads) {
      if (thread.load < 2) continue;
      const helper = idle('');
      const call = helper && thread.takeAhead();
      if (helper && call) give(helper, call);
    }
  };

  const takeBackStalled = () => {
    const back = [...threads].flatMap((thread) => thread.takeAheadIfStalled());
    queue.unshift(...back);
    if (back.length > 0) dispatch();
    if (![...threads].some(({ load }) => load > 1)) {
      clearInterval(stallTimer);
      stallTimer = undefined;
    }
  };

  /** Ends a call before its time. */
  const stop = (seq: number, code: RunnerCode, message: string) => {
    const at = queue.findIndex((call) => call.seq === seq);
    const [waiting] = at < 0 ? [] : queue.splice(at, 1);
    if (waiting) return refuse(waiting, false, code, message);
    for (const thread of threads) {
      const found = thread.stop(seq, code, message);
      if (found === 'not here') continue;
      if (found !== 'begun') refuse(found, false, code, message);
      return;
    }
  };

  start();
  return {
    submit(call, timeoutMs) {
      const timer = setTimeout(() => {
        stop(call.seq, 'function_timeout', 'no answer before the deadline');
      }, timeoutMs);
      queue.push({ ...call, timer });
      dispatch();
    },
    cancel(seq) {
      stop(seq, 'cancelled', 'nobody waits for this call any more');
    },
    forget(digest) {
      for (const thread of threads) thread.forget(digest);
    },
  };
}
