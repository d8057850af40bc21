/**
 * The main thread's view of one thread: the calls it was given, of which the first is the one that runs, and the
 * bundles it holds.
 */
import { Worker } from 'node:worker_threads';
import type { RunnerCode } from '../wire.ts';
import type { CompiledBundle } from './bundles.ts';
import { createClaims, createGiver } from './claims.ts';
import type { FromThread, ToThread } from './thread.ts';

/** Heap of a thread, in MiB, linear memory not counted. */
const heapMb = 256;

/** Why a thread ended; `seq` is the call for whose sake it was ended. */
export type ThreadEnd = { readonly code: RunnerCode; readonly message: string; readonly seq?: number };

type Given<Call> = { readonly call: Call; readonly ticket: number };

export type PoolThread<Call> = {
  readonly ready: boolean;
  /** Calls that it was given and has not answered. */
  readonly load: number;
  /** The running call takes long; nothing shall be put behind it. */
  readonly stalled: boolean;
  hasRoom(): boolean;
  holds(digest: string): boolean;
  give(call: Call, digest: string, bundle: CompiledBundle): void;
  /** The last call, if it has not begun. */
  takeAhead(): Call | undefined;
  /** What lies ahead, when the call that runs is the same as at the last time of asking. */
  takeAheadIfStalled(): Call[];
  /** Stops a call: gives it back when it has not begun. When it has, its result follows, or `onLost`. */
  stop(seq: number, code: RunnerCode, message: string): Call | 'begun' | 'not here';
  forget(digest: string): void;
};

export function startThread<Call extends { readonly seq: number; readonly content: Uint8Array<ArrayBuffer> }>(
  script: URL,
  events: {
    onReady(): void;
    onResult(call: Call, frame: Uint8Array): void;
    /**
     * The thread is gone. Calls that it had `begun` may have had effects: the one that ended it, if it was one, and
     * any whose results did not get out. Those `ahead` certainly had none.
     */
    onLost(begun: Call[], ahead: Call[], end: ThreadEnd): void;
  },
): PoolThread<Call> {
  const claims = createClaims();
  const giver = createGiver(claims);
  const worker = new Worker(script, {
    workerData: claims,
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
  });
  const held = new Set<string>();
  let given: Given<Call>[] = [];
  let ready = false;
  let stalled = false;
  let lost = false;
  let lastRunning: number | undefined;

  const post = (message: ToThread) => worker.postMessage(message);

  const takeBack = ({ ticket }: Given<Call>): boolean => giver.takeBack(ticket);

  const lose = (end: ThreadEnd) => {
    if (lost) return;
    lost = true;
    ready = false;
    const ahead = given.filter(takeBack).map(({ call }) => call);
    const begun = given.map(({ call }) => call).filter((call) => !ahead.includes(call));
    given = [];
    void worker.terminate();
    events.onLost(begun, ahead, end);
  };

  /**
   * A call that has begun may have ended already, with its result on the way here: calls can be much shorter than a
   * turn of this loop. Only one that is still without a result after a whole turn takes the thread with it.
   */
  const endUnlessDone = (entry: Given<Call>, end: ThreadEnd) => {
    setImmediate(() => setImmediate(() => given.includes(entry) && lose(end)));
  };

  worker.on('message', (message: FromThread) => {
    if (lost) return;
    if (message === 'ready') {
      ready = true;
      events.onReady();
      return;
    }
    const done = given.shift();
    stalled = false;
    if (done) events.onResult(done.call, message);
  });
  worker.on('error', (error: Error & { code?: string }) => {
    const outOfMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
    const code = outOfMemory ? 'function_out_of_memory' : 'function_trap';
    lose({ code, message: `the thread ended: ${error.message}` });
  });
  worker.on('exit', () => lose({ code: 'function_trap', message: 'the thread ended' }));

  return {
    get ready() {
      return ready;
    },
    get load() {
      return given.length;
    },
    get stalled() {
      return stalled;
    },
    hasRoom: giver.hasRoom,
    holds: (digest) => held.has(digest),
    give(call, digest, bundle) {
      if (!held.has(digest)) {
        held.add(digest);
        post({ kind: 'hold', digest, ...bundle });
      }
      given.push({ call, ticket: giver.give() });
      post(call.content);
    },
    takeAhead() {
      const last = given.at(-1);
      if (!last || given.length < 2 || !takeBack(last)) return undefined;
      given.pop();
      return last.call;
    },
    takeAheadIfStalled() {
      const running = given[0]?.ticket;
      if (running === undefined || running !== lastRunning) {
        lastRunning = running;
        return [];
      }
      stalled = true;
      const back = given.slice(1).filter(takeBack);
      given = given.filter((entry) => !back.includes(entry));
      return back.map(({ call }) => call);
    },
    stop(seq, code, message) {
      const entry = given.find(({ call }) => call.seq === seq);
      if (!entry) return 'not here';
      if (takeBack(entry)) {
        given = given.filter((other) => other !== entry);
        return entry.call;
      }
      endUnlessDone(entry, { code, message, seq });
      return 'begun';
    },
    forget(digest) {
      if (held.delete(digest)) post({ kind: 'forget', digest });
    },
  };
}
