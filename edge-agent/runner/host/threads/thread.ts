/**
 * A thread: runs invocations in the order of arrival, one at a time. While a guest waits, the thread runs the next
 * call. It may be terminated at any point.
 *
 * Invariant: a call gets one result, and nothing is sent for it after that.
 */
import type { MessagePort } from 'node:worker_threads';
import { decodePart, encodeLog, encodeParked, firstRequestNumber, readCredit } from '../../protocol/stream-wire.ts';
import {
  type CallFrame,
  encodeResult,
  kinds,
  type RunnerCode,
  type RunnerResult,
  readCall,
  readNumber,
} from '../../protocol/wire.ts';
import type { LoadedFunction } from '../instances/loaded-function.ts';
import { createStrayRejections } from '../wasi03/stray-rejections.ts';
import type { CompiledBundle } from './bundles.ts';
import { ThreadChannel } from './call-channel.ts';
import { createCapabilityClient } from './capability-client.ts';
import { createTaker } from './claims.ts';
import { createFunction } from './load-function.ts';
import { createLogLimits } from './log-limits.ts';

/** From the main thread. Bytes are the content of a frame: a call, or a frame for a stream of this thread. */
export type ToThread =
  | Uint8Array<ArrayBuffer>
  | (CompiledBundle & { readonly kind: 'hold'; readonly digest: string })
  | { readonly kind: 'forget'; readonly digest: string }
  /** Ends a waiting call, with this result. */
  | { readonly kind: 'end'; readonly seq: number; readonly code: RunnerCode; readonly message: string }
  /** The caller is gone: bodies are closed, and the guest may finish. */
  | { readonly kind: 'hang up'; readonly seq: number };

/** To the main thread: `ready` once, then frames for the agent. */
export type FromRunnerThread = 'ready' | Uint8Array<ArrayBuffer>;

/** The start data of a thread. */
export type ThreadData = {
  readonly claims: SharedArrayBuffer;
  /** Index of the thread in this process. */
  readonly number: number;
  /** Replies to blocking requests, and the cell that changes with each. */
  readonly replies: MessagePort;
  readonly bell: SharedArrayBuffer;
  /** A cell that changes with each message that the thread takes: the thread is not computing at that moment. */
  readonly pulse: SharedArrayBuffer;
};

/** Frames of at least this size are transferred instead of copied, in bytes. */
const transferFrom = 16_384;

type Running = { readonly call: CallFrame; readonly channel: ThreadChannel; end?: RunnerResult };

export function runThread(port: MessagePort, { claims, number, replies, bell, pulse }: ThreadData): void {
  const taker = createTaker(claims);
  const functions = new Map<string, LoadedFunction>();
  const waiting: Uint8Array<ArrayBuffer>[] = [];
  const running = new Map<number, Running>();
  const strays = createStrayRejections(process);
  const logLimits = createLogLimits(() => performance.now());
  let busy = false;
  let called: LoadedFunction | undefined;

  const post = (frame: Buffer) => {
    const own = Uint8Array.from(frame);
    port.postMessage(own satisfies FromRunnerThread, own.byteLength >= transferFrom ? [own.buffer] : []);
  };
  const asker = createCapabilityClient({ thread: number, replies, bell: new Int32Array(bell), post });

  const begin = (call: CallFrame): Running => {
    const channel = new ThreadChannel(call, asker, post, (source, text) => {
      for (const entry of logLimits.pass(call, source, text)) post(encodeLog(call.seq, entry));
    });
    const entry = { call, channel };
    running.set(call.seq, entry);
    return entry;
  };

  /** Runs one call until it ends or waits. */
  const runOne = async (message: Uint8Array<ArrayBuffer>) => {
    if (!taker.claim()) return;
    const start = performance.now();
    const call = readCall(asBuffer(message));
    const entry = begin(call);
    const loaded = functions.get(call.digest);
    if (called !== loaded) called?.dropAhead();
    called = loaded;
    const finish = (result: RunnerResult) => {
      running.delete(call.seq);
      const durationUs = (performance.now() - start) * 1_000;
      post(encodeResult({ seq: call.seq, started: true, durationUs, ...entry.channel.finish(entry.end ?? result) }));
    };
    const done = loaded?.call(call, entry.channel) ?? notLoaded;
    if (!(done instanceof Promise)) return finish(done);
    const ended = done.then(finish);
    await Promise.race([ended, turn()]);
    if (running.has(call.seq)) post(encodeParked(call.seq));
  };

  const runAll = async () => {
    busy = true;
    for (let next = waiting.shift(); next; next = waiting.shift()) await runOne(next);
    busy = false;
    setImmediate(() => {
      if (!busy) called?.makeAhead();
    });
  };

  const onFrame = (frame: Uint8Array<ArrayBuffer>) => {
    if (frame[0] === kinds.call) {
      waiting.push(frame);
      if (!busy) void runAll();
      return;
    }
    const content = asBuffer(frame);
    const stream = readNumber(content);
    if (stream >= firstRequestNumber) return asker.receive(content);
    const channel = running.get(stream)?.channel;
    if (content[0] === kinds.part) channel?.push(decodePart(content));
    if (content[0] === kinds.credit) channel?.credit(readCredit(content));
  };

  const pulseCell = new Int32Array(pulse);
  const onMessage = (message: ToThread) => {
    Atomics.add(pulseCell, 0, 1);
    if (message instanceof Uint8Array) return onFrame(message);
    switch (message.kind) {
      case 'hold':
        try {
          functions.set(message.digest, createFunction(message.digest, message, strays));
        } catch {
          // Its calls will be answered with `function_load_failed`.
        }
        return;
      case 'forget':
        functions.delete(message.digest);
        return;
      case 'end': {
        const entry = running.get(message.seq);
        if (!entry) return;
        entry.end = { ok: false, code: message.code, message: message.message };
        entry.channel.end(new Error(message.message));
        return;
      }
      case 'hang up':
        return running.get(message.seq)?.channel.hangUp(new Error('the caller is gone'));
    }
  };

  port.on('message', onMessage);
  port.postMessage('ready' satisfies FromRunnerThread);
}

const notLoaded: RunnerResult = {
  ok: false,
  code: 'function_load_failed',
  message: 'its glue could not be compiled',
};

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

const asBuffer = (bytes: Uint8Array<ArrayBuffer>): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
