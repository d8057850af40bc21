/**
 * The frames of the pipe that belong to a stream: parts of bodies, credits, requests to the agent and their replies.
 *
 * A stream has a number. A call's stream has the number of the call; it carries the request's body in and the answer's
 * body out. The stream of a capability request gets its number from the requesting thread: the highest bit set, then
 * the thread's number, so that the main thread of the runner finds the thread of a reply without a table.
 */
import type { Headers, ResponseHead } from '@skerry/shared/http/http.ts';
import type { CapabilityReply, CapabilityRequest } from './capability-requests.ts';
import type { LogSource } from './channel.ts';
import { frameStart, newFrame } from './framing.ts';
import { kinds } from './wire.ts';

/** Numbers of calls are lower. Numbers of requests begin here. */
export const firstRequestNumber = 0x8000_0000;
/** Limits: threads with numbers of their own; pending requests of one thread. */
export const maxThreadNumber = 0x3ff;
const maxAskCount = 0xf_ffff;
/** Set when the thread waits for the reply without its event loop. */
const blockingBit = 0x10_0000;

/** @param count number of the request in this thread; only its last 20 bits count */
export function requestNumber(thread: number, count: number, blocking: boolean): number {
  return (firstRequestNumber | (thread << 21) | (blocking ? blockingBit : 0) | (count & maxAskCount)) >>> 0;
}
export const threadOfRequest = (ask: number): number => (ask >>> 21) & maxThreadNumber;
export const isBlocking = (ask: number): boolean => (ask & blockingBit) !== 0;

/** Part of a body. `last` ends the body as complete, `failed` as incomplete. Earlier parts have no trailers. */
export type PipePart = {
  readonly bytes: Uint8Array;
  readonly end: 'no' | 'last' | 'failed';
  readonly trailers?: Headers | undefined;
};

const ends = ['no', 'last', 'failed'] as const;
const noBytes = new Uint8Array(0);

export function encodePart(stream: number, { bytes, end, trailers }: PipePart): Buffer {
  return withJson(kinds.part, stream, ends.indexOf(end), trailers ?? null, bytes);
}

/** The bytes are a view. */
export function decodePart(content: Buffer): PipePart {
  const { number, json, bytes } = readJson(content);
  return { bytes, end: ends[number] ?? 'failed', ...(json ? { trailers: json as Headers } : {}) };
}

/** The other end may send this many more bytes of its body on this stream. */
export function encodeCredit(stream: number, bytes: number): Buffer {
  const frame = newFrame(9);
  frame[frameStart] = kinds.credit;
  frame.writeUInt32LE(stream, frameStart + 1);
  frame.writeUInt32LE(bytes, frameStart + 5);
  return frame;
}

export function readCredit(content: Buffer): number {
  return content.readUInt32LE(5);
}

/** The call waits, and does not occupy its thread. */
export function encodeParked(seq: number): Buffer {
  const frame = newFrame(5);
  frame[frameStart] = kinds.parked;
  frame.writeUInt32LE(seq, frameStart + 1);
  return frame;
}

export const encodeHead = (seq: number, head: ResponseHead): Buffer => withJson(kinds.head, seq, 0, head, noBytes);
export const decodeHead = (content: Buffer): ResponseHead => readJson(content).json as ResponseHead;

/** @param seq number of the requesting call */
export function encodeAsk(stream: number, seq: number, ask: CapabilityRequest, bytes: Uint8Array = noBytes): Buffer {
  return withJson(kinds.ask, stream, seq, ask, bytes);
}

export function decodeAsk(content: Buffer): { seq: number; ask: CapabilityRequest; bytes: Uint8Array } {
  const { number, json, bytes } = readJson(content);
  return { seq: number, ask: json as CapabilityRequest, bytes };
}

export function encodeReply(stream: number, reply: CapabilityReply, bytes: Uint8Array = noBytes): Buffer {
  return withJson(kinds.reply, stream, 0, reply, bytes);
}

/** The bytes are a view. */
export function decodeReply(content: Buffer): { reply: CapabilityReply; bytes: Uint8Array } {
  const { json, bytes } = readJson(content);
  return { reply: json as CapabilityReply, bytes };
}

export type LogEntry = { readonly source: LogSource; readonly text: string };

export const encodeLog = (seq: number, entry: LogEntry): Buffer => withJson(kinds.log, seq, 0, entry, noBytes);
export const decodeLog = (content: Buffer): LogEntry => readJson(content).json as LogEntry;

/** Layout of all frames with JSON: kind, stream, a number, the JSON's length, the JSON, bytes. */
const jsonAt = { stream: 1, number: 5, length: 9, json: 13 } as const;

function withJson(kind: number, stream: number, number: number, json: unknown, bytes: Uint8Array): Buffer {
  const text = JSON.stringify(json);
  const length = Buffer.byteLength(text);
  const frame = newFrame(jsonAt.json + length + bytes.byteLength);
  const content = frame.subarray(frameStart);
  content[0] = kind;
  content.writeUInt32LE(stream, jsonAt.stream);
  content.writeUInt32LE(number, jsonAt.number);
  content.writeUInt32LE(length, jsonAt.length);
  content.write(text, jsonAt.json);
  content.set(bytes, jsonAt.json + length);
  return frame;
}

/** @throws RangeError or SyntaxError for an invalid frame */
function readJson(content: Buffer): { number: number; json: unknown; bytes: Uint8Array } {
  const end = jsonAt.json + content.readUInt32LE(jsonAt.length);
  return {
    number: content.readUInt32LE(jsonAt.number),
    json: JSON.parse(content.toString('utf8', jsonAt.json, end)),
    bytes: content.subarray(end),
  };
}
