/**
 * A thread: one invocation at a time, in the order of arrival. It may be terminated at any point.
 */
import type { MessagePort } from 'node:worker_threads';
import { encodeResult, readCall } from '../wire.ts';
import type { CompiledBundle } from './bundles.ts';
import { createTaker } from './claims.ts';
import { createDirectFunction } from './direct-function.ts';
import { compileGlue } from './glue.ts';
import { createLoadedFunction, type LoadedFunction } from './loaded-function.ts';

/** From the main thread; a call is the content of its frame, as bytes. */
export type ToThread =
  | Uint8Array<ArrayBuffer>
  | (CompiledBundle & { readonly kind: 'hold'; readonly digest: string })
  | { readonly kind: 'forget'; readonly digest: string };

/** To the main thread: `ready` once, then a frame for the agent per call. */
export type FromThread = 'ready' | Uint8Array<ArrayBuffer>;

/** Results from this size on are handed over instead of copied, in bytes. */
const transferFrom = 16_384;

/** @throws SyntaxError when the glue is not what jco writes */
function load(digest: string, { direct, glue, ...rest }: CompiledBundle): LoadedFunction {
  if (direct) return createDirectFunction(direct, rest.modules);
  return createLoadedFunction({ ...rest, instantiate: compileGlue(glue, digest) });
}

export function runThread(port: MessagePort, claims: SharedArrayBuffer): void {
  const taker = createTaker(claims);
  const functions = new Map<string, LoadedFunction>();
  const waiting: Uint8Array<ArrayBuffer>[] = [];
  let busy = false;
  let called: LoadedFunction | undefined;

  const post = (frame: Buffer) => {
    const own = Uint8Array.from(frame);
    port.postMessage(own satisfies FromThread, own.byteLength >= transferFrom ? [own.buffer] : []);
  };

  const runOne = async (message: Uint8Array<ArrayBuffer>) => {
    if (!taker.claim()) return;
    const start = performance.now();
    const call = readCall(Buffer.from(message.buffer, message.byteOffset, message.byteLength));
    const loaded = functions.get(call.digest);
    if (called !== loaded) called?.dropAhead();
    called = loaded;
    const done = loaded?.call(call) ?? {
      ok: false,
      code: 'function_load_failed',
      message: 'its glue could not be compiled',
    };
    const result = done instanceof Promise ? await done : done;
    post(encodeResult({ seq: call.seq, started: true, durationUs: (performance.now() - start) * 1_000, result }));
  };

  const runAll = async () => {
    busy = true;
    for (let next = waiting.shift(); next; next = waiting.shift()) await runOne(next);
    busy = false;
    setImmediate(() => {
      if (!busy) called?.makeAhead();
    });
  };

  const onMessage = (message: ToThread) => {
    if (message instanceof Uint8Array) {
      waiting.push(message);
      if (!busy) void runAll();
    } else if (message.kind === 'hold') {
      try {
        functions.set(message.digest, load(message.digest, message));
      } catch {
        // A call of it will be answered with `function_load_failed`.
      }
    } else functions.delete(message.digest);
  };

  port.on('message', onMessage);
  port.postMessage('ready' satisfies FromThread);
}
