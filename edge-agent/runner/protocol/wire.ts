/**
 * The frames between the agent and its runner. They have fixed layouts in place of a general encoding, because every
 * call passes here twice, and because the main thread of the runner passes calls on to a thread without decoding them.
 *
 *   to the runner    load, unload, call, cancel, part, credit, reply
 *   to the agent     loaded, result, threads, parked, head, part, credit, ask, log
 *
 * Both ends are of one release and one repository, so the pipe has no version. The frames of streams are in
 * stream-wire.ts.
 */
import type { ErrorCode } from '@skerry/shared/errors.ts';
import type { Bundle } from '@skerry/shared/function/bundle.ts';
import type { Headers, RequestHead, ResponseHead } from '@skerry/shared/http/http.ts';
import type { Result } from '@skerry/shared/result.ts';
import { frameStart, newFrame } from './framing.ts';

export const kinds = {
  load: 1,
  unload: 2,
  call: 3,
  cancel: 4,
  loaded: 5,
  result: 6,
  threads: 7,
  parked: 8,
  head: 9,
  part: 10,
  credit: 11,
  ask: 12,
  reply: 13,
  log: 14,
} as const;

/** Error codes of the runner itself, by their number on the pipe. */
const runnerCodes = [
  'function_error',
  'function_trap',
  'function_timeout',
  'function_out_of_memory',
  'function_output_too_large',
  'function_output_invalid',
  'function_http_error',
  'function_no_answer',
  'function_load_failed',
  'cancelled',
  'runner_lost',
] as const satisfies readonly ErrorCode[];
export type RunnerCode = (typeof runnerCodes)[number];

/** Maximum length of an error's message, in characters: the same as in a frame of the tunnel. */
const messageLength = 4096;
const digestBytes = 32;

/** A bundle for the runner. The agent has checked it. Modules are bytes that follow the header. */
export type LoadHeader = Pick<Bundle, 'world' | 'exportName' | 'mode' | 'glue' | 'direct' | 'linked'> & {
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

/** The environment and the grants of a function, as they are sent; equal ones have equal text. */
export type GuestEnvironment = {
  /** Id of the function: two functions of one bundle share no instance. */
  function: string;
  env: Record<string, string>;
  args: readonly string[];
  /** For wasi:config. */
  config: Record<string, string>;
  /** Granted directories, in the order of the manifest. Their paths on the device are not sent. */
  directories: readonly { guest: string; mode: 'ro' | 'rw' }[];
  logBytesPerSecond: number;
  /** Bytes of a streamed body, each way. */
  bodyBytes: number;
};

export type CallFrame = {
  seq: number;
  /** Time left until the deadline. */
  timeoutMs: number;
  digest: string;
  reuse: boolean;
  outputBytes: number;
  /** JSON of `Surroundings`. */
  environment: string;
  /** The request, when it came over HTTP. */
  request?: RequestHead | undefined;
  /** Parts of the input follow. */
  streams: boolean;
  input: Uint8Array;
};

const callAt = {
  seq: 1,
  timeoutMs: 5,
  digest: 9,
  flags: 41,
  outputBytes: 42,
  surroundingsLength: 46,
  requestLength: 50,
  end: 54,
} as const;
const callFlags = { reuse: 1, streams: 2 } as const;

export function encodeCall(call: CallFrame): Buffer {
  const { seq, timeoutMs, digest, outputBytes, environment, input } = call;
  const length = Buffer.byteLength(environment);
  const request = call.request ? JSON.stringify(call.request) : '';
  const requestLength = Buffer.byteLength(request);
  const frame = newFrame(callAt.end + length + requestLength + input.byteLength);
  const content = frame.subarray(frameStart);
  content[0] = kinds.call;
  content.writeUInt32LE(seq, callAt.seq);
  content.writeUInt32LE(timeoutMs, callAt.timeoutMs);
  content.write(digest, callAt.digest, 'hex');
  content[callAt.flags] = (call.reuse ? callFlags.reuse : 0) | (call.streams ? callFlags.streams : 0);
  content.writeUInt32LE(outputBytes, callAt.outputBytes);
  content.writeUInt32LE(length, callAt.surroundingsLength);
  content.writeUInt32LE(requestLength, callAt.requestLength);
  content.write(environment, callAt.end);
  content.write(request, callAt.end + length);
  content.set(input, callAt.end + length + requestLength);
  return frame;
}

/** The fields of a call that the runner's main thread reads. */
export function readCallHead(content: Buffer): Pick<CallFrame, 'seq' | 'timeoutMs' | 'digest'> {
  return {
    seq: content.readUInt32LE(callAt.seq),
    timeoutMs: content.readUInt32LE(callAt.timeoutMs),
    digest: content.toString('hex', callAt.digest, callAt.digest + digestBytes),
  };
}

/** The fields of a call that a thread reads; `input` is a view. */
export function readCall(content: Buffer): CallFrame {
  const requestAt = callAt.end + content.readUInt32LE(callAt.surroundingsLength);
  const inputAt = requestAt + content.readUInt32LE(callAt.requestLength);
  const flags = content[callAt.flags] ?? 0;
  return {
    ...readCallHead(content),
    reuse: (flags & callFlags.reuse) !== 0,
    streams: (flags & callFlags.streams) !== 0,
    outputBytes: content.readUInt32LE(callAt.outputBytes),
    environment: content.toString('utf8', callAt.end, requestAt),
    request: inputAt > requestAt ? JSON.parse(content.toString('utf8', requestAt, inputAt)) : undefined,
    input: content.subarray(inputAt),
  };
}

export function encodeCancel(seq: number): Buffer {
  const frame = newFrame(5);
  frame[frameStart] = kinds.cancel;
  frame.writeUInt32LE(seq, frameStart + 1);
  return frame;
}

/** Number of a `cancel`, `result` or any frame of a stream, or the count of `threads`. */
export function readNumber(content: Buffer): number {
  return content.readUInt32LE(1);
}

/** `message` is absent after success. */
export function encodeLoaded(digest: string, message = ''): Buffer {
  const text = Buffer.from(message.slice(0, messageLength));
  const frame = newFrame(1 + digestBytes + text.byteLength);
  text.copy(frame, writeKindAndDigest(frame, kinds.loaded, digest));
  return frame;
}

/** The message of a failed load; empty after success. */
export function readLoadedMessage(content: Buffer): string {
  return content.toString('utf8', 1 + digestBytes);
}

/** @param ended threads that were ended before their time, since the start of the process */
export function encodeThreads(count: number, ended: number): Buffer {
  const frame = newFrame(9);
  frame[frameStart] = kinds.threads;
  frame.writeUInt32LE(count, frameStart + 1);
  frame.writeUInt32LE(ended, frameStart + 5);
  return frame;
}

/** The number of ended threads, from a `threads` frame. */
export function readEnded(content: Buffer): number {
  return content.readUInt32LE(5);
}

/** The outcome of a call in the runner. */
export type RunnerResult = Result<RunnerCode>;

export type ResultFrame = {
  seq: number;
  /** False when no thread ever had the call. */
  started: boolean;
  durationUs: number;
  result: RunnerResult;
  /** Head of a complete HTTP answer, whose body is the output. */
  head?: ResponseHead | undefined;
  trailers?: Headers | undefined;
};

const resultAt = { seq: 1, started: 5, durationUs: 6, status: 10, httpLength: 11, end: 15 } as const;
const okStatus = 0;

export function encodeResult({ seq, started, durationUs, result, head, trailers }: ResultFrame): Buffer {
  const payload = result.ok ? result.output : Buffer.from(result.message.slice(0, messageLength));
  const http = head || trailers ? JSON.stringify({ head, trailers }) : '';
  const httpLength = Buffer.byteLength(http);
  const frame = newFrame(resultAt.end + httpLength + payload.byteLength);
  const content = frame.subarray(frameStart);
  content[0] = kinds.result;
  content.writeUInt32LE(seq, resultAt.seq);
  content[resultAt.started] = started ? 1 : 0;
  content.writeUInt32LE(Math.min(Math.round(durationUs), 0xffff_ffff), resultAt.durationUs);
  content[resultAt.status] = result.ok ? okStatus : 1 + runnerCodes.indexOf(result.code);
  content.writeUInt32LE(httpLength, resultAt.httpLength);
  content.write(http, resultAt.end);
  content.set(payload, resultAt.end + httpLength);
  return frame;
}

/** The output is a copy, so that it may be kept. */
export function decodeResult(content: Buffer): ResultFrame {
  const status = content[resultAt.status] ?? okStatus;
  const payloadAt = resultAt.end + content.readUInt32LE(resultAt.httpLength);
  const payload = content.subarray(payloadAt);
  const http = payloadAt > resultAt.end ? JSON.parse(content.toString('utf8', resultAt.end, payloadAt)) : undefined;
  return {
    ...http,
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
