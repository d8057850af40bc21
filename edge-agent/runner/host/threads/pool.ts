/**
 * The threads of the runner, and the calls of each.
 *
 * A thread runs one call and may have more queued, so that it does not wait for the main thread between two calls, and
 * so that short calls travel in batches. Calls behind a long call are taken back and go to another thread. Waiting
 * calls stay in their thread, and the thread takes others meanwhile. Deadlines end threads if necessary.
 *
 * Fairness: a function that keeps all threads busy does not block the others, because functions without a call in a
 * thread have a few spare threads. Calls of different functions share a thread only when all threads are in use,
 * because they would be lost together.
 *
 * Invariants: every submitted call gets one reply. A call that runs on a thread is never given to another one.
 */
import { firstRequestNumber, maxThreadNumber, threadOfRequest } from '../../protocol/stream-wire.ts';
import { encodeResult, type RunnerCode } from '../../protocol/wire.ts';
import type { CompiledBundles } from './bundles.ts';
import { type PoolThread, type PoolThreadCall, startThread } from './pool-thread.ts';

type PoolCall = PoolThreadCall;

export type Pool = {
  submit(call: PoolCall, timeoutMs: number): void;
  /**
   * The caller is gone. A call that has not begun is dropped. A waiting call is notified, and ended if it is still
   * there after a while. A computing call takes its thread with it.
   */
  cancel(seq: number): void;
  /** A part or credit for a call, or any frame for a capability request. */
  forward(content: Uint8Array<ArrayBuffer>, stream: number): void;
  /** No thread may hold this bundle any more. */
  forget(digest: string): void;
};

type Waiting = PoolCall & { timer: NodeJS.Timeout };
type Thread = PoolThread<Waiting>;

/** Other calls do not wait behind a call that runs longer than this many milliseconds (up to twice as long). */
const stallMs = 4;
/** Maximum number of calls behind the running one in a thread. The agent limits their total. */
const callsAhead = 15;
/** Threads beyond the usual number, for functions without a call in any thread. */
const spareThreads = 4;
/** Time for a guest to finish after its caller has gone, in milliseconds. */
const farewellMs = 1_000;

export function createPool(options: {
  script: URL;
  /** Maximum number of threads, spare ones excluded. */
  size: number;
  /** An idle thread is ended after this time, in milliseconds; the last one stays. */
  idleMs: number;
  bundles: CompiledBundles;
  /** Takes a frame for the agent. */
  reply(frame: Uint8Array): void;
  /** The number of threads, and the number that were ended before their time. */
  onThreads(count: number, ended: number): void;
}): Pool {
  const { size, bundles, reply } = options;
  const queue: Waiting[] = [];
  const threads = new Set<Thread>();
  const busySince = new Map<Thread, number>();
  let stallTimer: NodeJS.Timeout | undefined;
  let lastNumber = 0;
  let ended = 0;

  const refuse = ({ seq, timer }: Waiting, started: boolean, code: RunnerCode, message: string) => {
    clearTimeout(timer);
    reply(encodeResult({ seq, started, durationUs: 0, result: { ok: false, code, message } }));
  };

  const start = () => {
    lastNumber = (lastNumber + 1) & maxThreadNumber;
    const thread: Thread = startThread<Waiting>(options.script, lastNumber, {
      onReady: () => dispatch(),
      onFrame: reply,
      onParked(frame) {
        reply(frame);
        dispatch();
      },
      onResult(call, frame) {
        clearTimeout(call.timer);
        reply(frame);
        dispatch();
      },
      onLost(begun, ahead, { code, message, seq }) {
        threads.delete(thread);
        busySince.delete(thread);
        if (seq !== undefined) ended += 1;
        for (const call of begun) {
          if (seq === undefined || seq === call.seq) refuse(call, true, code, message);
          else refuse(call, true, 'runner_lost', 'its thread was ended because of another call');
        }
        queue.unshift(...ahead);
        options.onThreads(threads.size, ended);
        dispatch();
      },
    });
    threads.add(thread);
    options.onThreads(threads.size, ended);
  };

  const give = (thread: Thread, call: Waiting) => {
    const bundle = bundles.get(call.digest);
    if (!bundle) return refuse(call, false, 'function_load_failed', 'the function is not loaded');
    busySince.set(thread, performance.now());
    thread.give(call, call.digest, bundle);
  };

  /** An idle thread, preferably one that has the bundle; one with other functions' calls only if necessary. */
  const idle = (digest: string, shared: boolean): Thread | undefined => {
    let found: Thread | undefined;
    for (const thread of threads) {
      if (!thread.ready || thread.load > 0 || !thread.hasRoom()) continue;
      if (!shared && thread.sharesWithOthers(digest)) continue;
      if (thread.holds(digest)) return thread;
      found ??= thread;
    }
    return found;
  };

  /** The thread with the fewest calls, when none is idle. */
  const withRoomAhead = (digest: string): Thread | undefined => {
    let found: Thread | undefined;
    for (const thread of threads) {
      if (!thread.ready || thread.stalled || thread.load > callsAhead || !thread.hasRoom()) continue;
      if (thread.parked > 0 && thread.sharesWithOthers(digest)) continue;
      if (!found || thread.load < found.load) found = thread;
    }
    return found;
  };

  /** Spare threads are for functions that wait because of all others. */
  const mayStart = (digest: string): boolean => {
    if ([...threads].some(({ ready }) => !ready)) return false;
    if (threads.size < size) return true;
    if (threads.size >= size + spareThreads) return false;
    for (const thread of threads) {
      if (thread.load > 0 && !thread.stalled) return false;
      if ((thread.load > 0 || thread.parked > 0) && !thread.sharesWithOthers(digest)) return false;
    }
    return true;
  };

  const takerOf = (digest: string): Thread | undefined => {
    const thread = idle(digest, false);
    if (thread) return thread;
    if (mayStart(digest)) start();
    const starting = [...threads].some(({ ready }) => !ready);
    const ahead = withRoomAhead(digest);
    if (ahead || starting) return ahead;
    // A function with threads of its own waits for them: in another thread it could cost other functions their calls.
    const hasOwn = [...threads].some((other) => other.load + other.parked > 0 && !other.sharesWithOthers(digest));
    return hasOwn ? undefined : idle(digest, true);
  };

  const dispatch = () => {
    const stuck = new Set<string>();
    for (let at = 0; at < queue.length; ) {
      const call = queue[at];
      const taker = call && !stuck.has(call.digest) ? takerOf(call.digest) : undefined;
      if (call && taker) {
        queue.splice(at, 1);
        give(taker, call);
      } else {
        if (call) stuck.add(call.digest);
        at += 1;
      }
    }
    if (queue.length === 0) shareAhead();
    if (!stallTimer && (queue.length > 0 || [...threads].some(({ load }) => load > 1))) {
      stallTimer = setInterval(takeBackStalled, stallMs);
    }
  };

  /** No call waits: an idle thread helps a thread that has queued calls. */
  const shareAhead = () => {
    for (const thread of threads) {
      if (thread.load < 2) continue;
      const helper = idle('', false);
      const call = helper && thread.takeAhead();
      if (helper && call) give(helper, call);
    }
  };

  const takeBackStalled = () => {
    const back = [...threads].flatMap((thread) => thread.takeAheadIfStalled());
    queue.unshift(...back);
    if (queue.length > 0) dispatch();
    if (queue.length === 0 && ![...threads].some(({ load }) => load > 1)) {
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

  const retireIdle = () => {
    for (const thread of threads) {
      if (threads.size === 1) return;
      const since = performance.now() - (busySince.get(thread) ?? 0);
      if (thread.ready && thread.load === 0 && thread.parked === 0 && since > options.idleMs) thread.retire();
    }
  };

  start();
  setInterval(retireIdle, Math.min(options.idleMs, 10_000)).unref();
  return {
    submit(call, timeoutMs) {
      const timer = setTimeout(() => {
        stop(call.seq, 'function_timeout', 'no answer before the deadline');
      }, timeoutMs);
      queue.push({ ...call, timer });
      dispatch();
    },
    cancel(seq) {
      const message = 'the caller no longer waits for this call';
      if (![...threads].some((thread) => thread.hangUp(seq))) return stop(seq, 'cancelled', message);
      setTimeout(() => stop(seq, 'cancelled', message), farewellMs);
    },
    forward(content, stream) {
      for (const thread of threads) {
        if (stream >= firstRequestNumber ? thread.number === threadOfRequest(stream) : thread.has(stream)) {
          return thread.forward(content, stream);
        }
      }
    },
    forget(digest) {
      for (const thread of threads) thread.forget(digest);
    },
  };
}
