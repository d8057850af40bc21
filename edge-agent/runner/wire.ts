/**
 * What the agent and its runner say to each other. Fixed layouts in place of a general encoding, because every call
 * passes here twice, and because the main thread of the runner hands calls on to a thread without looking inside.
 *
 *   to the runner    load, unload, call, cancel
 *   to the agent     loaded, result, threads
 *
 * Both ends are of one release and one repository; there is no version on this pipe.
 */
import type { Bundle } from '@skerry/shared/bundle.ts';
import type { ErrorCode } from '@skerry/shared/errors.ts';
import { frameStart, newFrame } from './framing.ts';

export const kinds = { load: 1, unload: 2, call: 3, cancel: 4, loaded: 5, result: 6, threads: 7 } as const;

/** Codes that the runner itself can answer with, by their number on the pipe. */
export const runnerCodes = [
  'function_error',
  'function_trap',
  'function_timeout',
  'function_out_of_memory',
  'function_output_too_large',
  'function_load_failed',
  'cancelled',
  'runner_lost',
] as const satisfies readonly ErrorCode[];
export type RunnerCode = (typeof runnerCodes)[number];

/** Characters of an error's message; as much as a frame of the tunnel takes. */
const messageLength = 4096;
const digestBytes = 32;

/** A bundle on its way in. The agent has checked it; modules are bytes that follow the header. */
export type LoadHeader = Pick<Bundle, 'world' | 'exportName' | 'mode' | 'glue' | 'direct'> & {
  modules: { name: string; length: number }[];
};

export function encodeLoad(digest: string, { modules, format: _, ...rest }: Bundle): Buffer {
  const header: LoadHeader = {
    ...rest,
    modules: modules.map(({ name, bytes }) => ({ name, length: bytes.byteLength })),
  };
  const json = Buffer.from(JSON.stringify(header));
  const start = newFrame(
    1 + digestBytes + 4 + json.byteLength + modules.reduce((sum, m) => sum + m.bytes.byteLength, 0),
  );
  let at = writeKindAndDigest(start, kinds.load, digest);
  at = start.writeUInt32LE(json.byteLength, at);
  at += json.copy(start, at);
  for (const { bytes } of modules) {
    start.set(bytes, at);
    at += bytes.byteLength;
  }
  return start;
}

export function decodeLoad(content: Buffer): {
  digest: string;
  header: LoadHeader;
  modules: Uint8Array<ArrayBuffer>[];
} {
  const jsonEnd = 1 + digestBytes + 4 + content.readUInt32LE(1 + digestBytes);
  const header: LoadHeader = JSON.parse(content.toString('utf8', 1 + digestBytes + 4, jsonEnd));
  let at = jsonEnd;
  const modules = header.modules.map(({ length }) => {
    at += length;
    return Uint8Array.from(content.subarray(at - length, at));
  });
  return { digest: readDigest(content), header, modules };
}

export function encodeUnload(digest: string): Buffer {
  const frame = newFrame(1 + digestBytes);
  writeKindAndDigest(frame, kinds.unload, digest);
  return frame;
}

/** Digest of a `load`, `unload` or `loaded`. */
export function readDigest(content: Buffer): string {
  return content.toString('hex', 1, 1 + digestBytes);
}

/** Environment and arguments as they travel; equal ones have equal text. */
export type Surroundings = { env: Record<string, string>; args: readonly string[] };

export type CallFrame = {
  seq: number;
  /** What is left of the deadline. */
  timeoutMs: number;
  digest: string;
  reuse: boolean;
  outputBytes: number;
  /** JSON of `Surroundings`. */
  surroundings: string;
  input: Uint8Array;
};

const callAt = {
  seq: 1,
  timeoutMs: 5,
  digest: 9,
  reuse: 41,
  outputBytes: 42,
  surroundingsLength: 46,
  end: 50,
} as const;

export function encodeCall({ seq, timeoutMs, digest, reuse, outputBytes, surroundings, input }: CallFrame): Buffer {
  const length = Buffer.byteLength(surroundings);
  const frame = newFrame(callAt.end + length + input.byteLength);
  const content = frame.subarray(frameStart);
  content[0] = kinds.call;
  content.writeUInt32LE(seq, callAt.seq);
  content.writeUInt32LE(timeoutMs, callAt.timeoutMs);
  content.write(digest, callAt.digest, 'hex');
  content[callAt.reuse] = reuse ? 1 : 0;
  content.writeUInt32LE(outputBytes, callAt.outputBytes);
  content.writeUInt32LE(length, callAt.surroundingsLength);
  content.write(surroundings, callAt.end);
  content.set(input, callAt.end + length);
  return frame;
}

/** What the main thread of the runner needs of a call. */
export function readCallHead(content: Buffer): Pick<CallFrame, 'seq' | 'timeoutMs' | 'digest'> {
  return {
    seq: content.readUInt32LE(callAt.seq),
    timeoutMs: content.readUInt32LE(callAt.timeoutMs),
    digest: content.toString('hex', callAt.digest, callAt.digest + digestBytes),
  };
}

/** What a thread needs of a call; `input` is a view. */
export function readCall(content: Buffer): CallFrame {
  const inputAt = callAt.end + content.readUInt32LE(callAt.surroundingsLength);
  return {
    ...readCallHead(content),
    reuse: content[callAt.reuse] === 1,
    outputBytes: content.readUInt32LE(callAt.outputBytes),
    surroundings: content.toString('utf8', callAt.end, inputAt),
    input: content.subarray(inputAt),
  };
}

export function encodeCancel(seq: number): Buffer {
  const frame = newFrame(5);
  frame[frameStart] = kinds.cancel;
  frame.writeUInt32LE(seq, frameStart + 1);
  return frame;
}

/** Number of a `cancel` or `result`, or the count of `threads`. */
export function readNumber(content: Buffer): number {
  return content.readUInt32LE(1);
}

/** `message` is absent when the bundle was taken. */
export function encodeLoaded(digest: string, message = ''): Buffer {
  const text = Buffer.from(message.slice(0, messageLength));
  const frame = newFrame(1 + digestBytes + text.byteLength);
  text.copy(frame, writeKindAndDigest(frame, kinds.loaded, digest));
  return frame;
}

/** The message of a failed load; empty when the bundle was taken. */
export function readLoadedMessage(content: Buffer): string {
  return content.toString('utf8', 1 + digestBytes);
}

export function encodeThreads(count: number): Buffer {
  const frame = newFrame(5);
  frame[frameStart] = kinds.threads;
  frame.writeUInt32LE(count, frameStart + 1);
  return frame;
}

export type ResultFrame = {
  seq: number;
  /** False when no thread ever had the call. */
  started: boolean;
  durationUs: number;
  result: { ok: true; output: Uint8Array } | { ok: false; code: RunnerCode; message: string };
};

const resultAt = { seq: 1, started: 5, durationUs: 6, status: 10, end: 11 } as const;
const okStatus = 0;

export function encodeResult({ seq, started, durationUs, result }: ResultFrame): Buffer {
  const payload = result.ok ? result.output : Buffer.from(result.message.slice(0, messageLength));
  const frame = newFrame(resultAt.end + payload.byteLength);
  const content = frame.subarray(frameStart);
  content[0] = kinds.result;
  content.writeUInt32LE(seq, resultAt.seq);
  content[resultAt.started] = started ? 1 : 0;
  content.writeUInt32LE(Math.min(Math.round(durationUs), 0xffff_ffff), resultAt.durationUs);
  content[resultAt.status] = result.ok ? okStatus : 1 + runnerCodes.indexOf(result.code);
  content.set(payload, resultAt.end);
  return frame;
}

/** The output is a copy, so that it may be kept. */
export function decodeResult(content: Buffer): ResultFrame {
  const status = content[resultAt.status] ?? okStatus;
  const payload = content.subarray(resultAt.end);
  return {
    seq: readNumber(content),
    started: content[resultAt.started] === 1,
    durationUs: content.readUInt32LE(resultAt.durationUs),
    result:
      status === okStatus
        ? { ok: true, output: Uint8Array.from(payload) }
        : { ok: false, code: runnerCodes[status - 1] ?? 'function_trap', message: payload.toString() },
  };
}

function writeKindAndDigest(frame: Buffer, kind: number, digest: string): number {
  frame[frameStart] = kind;
  frame.write(digest, frameStart + 1, 'hex');
  return frameStart + 1 + digestBytes;
}
