/**
 * The main thread's view of one thread: its calls, of which the first one runs; its waiting calls (`parked`), which
 * occupy only memory; and its bundles.
 */
import { MessageChannel, Worker } from 'node:worker_threads';
import { frameStart } from '../../protocol/framing.ts';
import { firstRequestNumber, isBlocking } from '../../protocol/stream-wire.ts';
import { kinds, type RunnerCode } from '../../protocol/wire.ts';
import type { CompiledBundle } from './bundles.ts';
import { createClaims, createGiver } from './claims.ts';
import type { FromRunnerThread, ThreadData, ToThread } from './thread.ts';

/** Heap of a thread, in MiB, linear memory not counted. */
const heapMb = 256;
/**
 * The part of it for new objects, nearly all of which are garbage after the call. V8's default is 48 MiB per thread.
 */
const youngMb = 6;
/**
 * A thread that neither takes nor sends a message for this long after a request to end a call is computing, in
 * milliseconds.
 */
const silenceMs = 25;
/**
 * The same when other calls wait in the thread and would be lost: freeing the memories of hundreds of instances takes a
 * thread this long on a busy machine, without any guest.
 */
const crowdedSilenceMs = 250;
/** A thread that still has a call this long after the request to end it is ended in any case, in milliseconds. */
const lastMs = 1_500;

/** The reason why a thread ended; `seq` is the call because of which it was ended. */
type ThreadEnd = { readonly code: RunnerCode; readonly message: string; readonly seq?: number };

type Given<Call> = { readonly call: Call; readonly ticket: number };

export type PoolThread<Call> = {
  readonly number: number;
  readonly ready: boolean;
  /** Its calls that have neither ended nor begun to wait. */
  readonly load: number;
  /** Its waiting calls. */
  readonly parked: number;
  /** The running call takes long; no call may be put behind it. */
  readonly stalled: boolean;
  hasRoom(): boolean;
  holds(digest: string): boolean;
  /** True when calls of other bundles than this one are in it. */
  sharesWithOthers(digest: string): boolean;
  give(call: Call, digest: string, bundle: CompiledBundle): void;
  /** The last call, if it has not begun. */
  takeAhead(): Call | undefined;
  /** The calls that have not begun, when the running call is the same as at the last check. */
  takeAheadIfStalled(): Call[];
  /** Stops a call: gives it back when it has not begun. Otherwise its result follows, or `onLost`. */
  stop(seq: number, code: RunnerCode, message: string): Call | 'begun' | 'not here';
  /** The caller of a call is gone. False when the call has not begun, or is not here. */
  hangUp(seq: number): boolean;
  /**
   * A frame for a stream of this thread; taken when `has` is true for its call, or the capability request is its own.
   */
  forward(content: Uint8Array<ArrayBuffer>, stream: number): void;
  has(seq: number): boolean;
  forget(digest: string): void;
  /** Ends an idle thread. */
  retire(): void;
};

export type PoolThreadCall = {
  readonly seq: number;
  readonly digest: string;
  readonly content: Uint8Array<ArrayBuffer>;
};

export function startThread<Call extends PoolThreadCall>(
  script: URL,
  number: number,
  events: {
    onReady(): void;
    onResult(call: Call, frame: Uint8Array): void;
    /** A call has begun to wait; the frame reports it to the agent. */
    onParked(frame: Uint8Array): void;
    /** Any other frame for the agent. */
    onFrame(frame: Uint8Array): void;
    /**
     * The thread is gone. Calls that had `begun` may have had effects: the call that ended the thread, if there was
     * one, and calls whose results were not sent. Calls `ahead` had none.
     */
    onLost(begun: Call[], ahead: Call[], end: ThreadEnd): void;
  },
): PoolThread<Call> {
  const claims = createClaims();
  const giver = createGiver(claims);
  const bellMemory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const bell = new Int32Array(bellMemory);
  const pulseMemory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const pulse = new Int32Array(pulseMemory);
  const { port1: replies, port2 } = new MessageChannel();
  const data: ThreadData = { claims, number, replies: port2, bell: bellMemory, pulse: pulseMemory };
  const worker = new Worker(script, {
    workerData: data,
    transferList: [port2],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: youngMb },
  });
  const held = new Set<string>();
  const parked = new Map<number, Call>();
  let given: Given<Call>[] = [];
  let ready = false;
  let stalled = false;
  let lost = false;
  let ended = 0;
  /** Changes while the thread takes messages or ends calls. Frames that a guest sends do not count. */
  const signs = () => ended + Atomics.load(pulse, 0);
  let lastRunning: number | undefined;

  const post = (message: ToThread) => worker.postMessage(message);

  const takeBack = ({ ticket }: Given<Call>): boolean => giver.takeBack(ticket);

  const lose = (end: ThreadEnd) => {
    if (lost) return;
    lost = true;
    ready = false;
    const ahead = given.filter(takeBack).map(({ call }) => call);
    const begun = given.map(({ call }) => call).filter((call) => !ahead.includes(call));
    begun.push(...parked.values());
    given = [];
    parked.clear();
    replies.close();
    void worker.terminate();
    events.onLost(begun, ahead, end);
  };

  /** Lets the messages that the thread has already sent arrive first. */
  const soon = (look: () => void) => setImmediate(() => setImmediate(look));

  /**
   * A call that has begun may have ended already, with its result on the way here: calls can be much shorter than a
   * turn of this loop. A call still without a result after a whole turn takes the thread with it. When other calls wait
   * in the thread, it does so only if it has not begun to wait itself and the thread has been silent for a while.
   */
  const endUnlessDone = (entry: Given<Call>, end: ThreadEnd & { readonly seq: number }) => {
    const since = performance.now();
    const look = (before: number | undefined) => {
      if (lost) return;
      if (parked.has(end.seq)) return endParked(end);
      if (!given.includes(entry)) return;
      const now = signs();
      if (parked.size === 0 || now === before || performance.now() - since > lastMs) return lose(end);
      setTimeout(() => soon(() => look(now)), crowdedSilenceMs);
    };
    soon(() => look(undefined));
  };

  /** The thread itself ends a waiting call, as long as the thread sends or takes messages. */
  const endParked = (end: ThreadEnd & { readonly seq: number }) => {
    post({ kind: 'end', seq: end.seq, code: end.code, message: end.message });
    const since = performance.now();
    const look = (before: number) => {
      if (lost || !parked.has(end.seq)) return;
      const now = signs();
      if (now === before || performance.now() - since > lastMs) lose(end);
      else watch(now);
    };
    const watch = (before: number) => {
      setTimeout(() => soon(() => look(before)), parked.size > 1 ? crowdedSilenceMs : silenceMs);
    };
    watch(signs());
  };

  const onFrame = (frame: Uint8Array<ArrayBuffer>) => {
    const kind = frame[frameStart];
    if (kind !== kinds.result && kind !== kinds.parked) return events.onFrame(frame);
    ended += 1;
    const seq = new DataView(frame.buffer, frame.byteOffset).getUint32(frameStart + 1, true);
    const waited = parked.get(seq);
    if (kind === kinds.result && waited) {
      parked.delete(seq);
      return events.onResult(waited, frame);
    }
    const done = given.shift();
    stalled = false;
    if (!done) return;
    if (kind === kinds.result) return events.onResult(done.call, frame);
    parked.set(seq, done.call);
    events.onParked(frame);
  };

  worker.on('message', (message: FromRunnerThread) => {
    if (lost) return;
    if (message !== 'ready') return onFrame(message);
    ready = true;
    events.onReady();
  });
  worker.on('error', (error: Error & { code?: string }) => {
    const outOfMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
    const code = outOfMemory ? 'function_out_of_memory' : 'function_trap';
    lose({ code, message: `the thread ended: ${error.message}` });
  });
  worker.on('exit', () => lose({ code: 'function_trap', message: 'the thread ended' }));

  return {
    number,
    get ready() {
      return ready;
    },
    get load() {
      return given.length;
    },
    get parked() {
      return parked.size;
    },
    get stalled() {
      return stalled;
    },
    hasRoom: giver.hasRoom,
    holds: (digest) => held.has(digest),
    sharesWithOthers(digest) {
      if (given.some(({ call }) => call.digest !== digest)) return true;
      // All calls that wait here are of one bundle, or of several when threads are short: the first call decides.
      for (const call of parked.values()) return call.digest !== digest;
      return false;
    },
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
      if (parked.has(seq)) {
        endParked({ code, message, seq });
        return 'begun';
      }
      const entry = given.find(({ call }) => call.seq === seq);
      if (!entry) return 'not here';
      if (takeBack(entry)) {
        given = given.filter((other) => other !== entry);
        return entry.call;
      }
      endUnlessDone(entry, { code, message, seq });
      return 'begun';
    },
    hangUp(seq) {
      if (!parked.has(seq)) return false;
      post({ kind: 'hang up', seq });
      return true;
    },
    has: (seq) => parked.has(seq) || given.some(({ call }) => call.seq === seq),
    forward(content, stream) {
      if (lost) return;
      if (!isBlockingAsk(stream)) return post(content);
      replies.postMessage(content);
      Atomics.add(bell, 0, 1);
      Atomics.notify(bell, 0);
    },
    forget(digest) {
      if (held.delete(digest)) post({ kind: 'forget', digest });
    },
    retire: () => lose({ code: 'runner_lost', message: 'the thread was not needed any more' }),
  };
}

const isBlockingAsk = (stream: number): boolean => stream >= firstRequestNumber && isBlocking(stream);
