/**
 * Hand-written checks of the hot frames, which every call needs. The schemas of protocol.ts check the same at several
 * times the cost.
 *
 * Invariant: a frame that passes here equals the output of its schema, key by key. A frame that is rare, doubtful or
 * wrong is left to the schema. fast-decode.test.ts compares the two. Each check makes a new object, so that a key that
 * the schema does not name cannot pass.
 */
import type { Headers, RequestHead, ResponseHead } from '../http/http.ts';
import { maxHeaderCharacters, maxHeaderNameCharacters, maxHeaders, maxPartBytes } from '../http/http-limits.ts';
import type { FrameOf, ToAgent, ToControl } from './protocol.ts';

type Fields = Readonly<Record<string, unknown>>;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isPositive = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1;
const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array;
const isText = (value: unknown, minLength: number, maxLength: number): value is string =>
  typeof value === 'string' && value.length >= minLength && value.length <= maxLength;
const isId = (value: unknown): value is string => isText(value, 1, 64);

/** @returns the frame as its schema gives it. Undefined: the caller must ask the schema */
export function checkHotToAgent(value: object): ToAgent | undefined {
  const frame = value as Fields;
  switch (frame.kind) {
    case 'invoke':
      return checkInvoke(frame);
    case 'body':
      return checkBody(frame);
    case 'credit':
      return checkCredit(frame);
    default:
      return undefined;
  }
}

/** @returns the frame as its schema gives it. Undefined: the caller must ask the schema */
export function checkHotToControl(value: object): ToControl | undefined {
  const frame = value as Fields;
  switch (frame.kind) {
    case 'outcome':
      return checkOutcome(frame);
    case 'body':
      return checkBody(frame);
    case 'credit':
      return checkCredit(frame);
    default:
      return undefined;
  }
}

function checkInvoke(frame: Fields): FrameOf<ToAgent, 'invoke'> | undefined {
  const { id, function: functionId, timeoutMs, input, traceparent, http, streams } = frame;
  if (!isId(id) || !isId(functionId) || !isPositive(timeoutMs) || !isBytes(input)) return undefined;
  const invoke: FrameOf<ToAgent, 'invoke'> = { kind: 'invoke', id, function: functionId, timeoutMs, input };
  if (traceparent !== undefined) {
    if (!isText(traceparent, 0, 64)) return undefined;
    invoke.traceparent = traceparent;
  }
  if (http !== undefined) {
    const head = checkRequestHead(http);
    if (!head) return undefined;
    invoke.http = head;
  }
  if (streams !== undefined) {
    if (typeof streams !== 'boolean') return undefined;
    invoke.streams = streams;
  }
  return invoke;
}

function checkOutcome(frame: Fields): FrameOf<ToControl, 'outcome'> | undefined {
  const { id, result, revision, durationUs, cold, head, trailers, memoryAvailable, running } = frame;
  if (!isId(id) || !isCount(revision) || !isCount(durationUs) || typeof cold !== 'boolean') return undefined;
  if (!isCount(memoryAvailable) || !isCount(running) || trailers !== undefined) return undefined;
  if (typeof result !== 'object' || result === null) return undefined;
  const { ok, output } = result as Fields;
  if (ok !== true || !isBytes(output)) return undefined;
  const outcome: FrameOf<ToControl, 'outcome'> = {
    kind: 'outcome',
    id,
    result: { ok, output },
    revision,
    durationUs,
    cold,
    memoryAvailable,
    running,
  };
  if (head !== undefined) {
    const checkedHead = checkResponseHead(head);
    if (!checkedHead) return undefined;
    outcome.head = checkedHead;
  }
  return outcome;
}

function checkBody({ id, bytes, last, trailers }: Fields): FrameOf<ToAgent, 'body'> | undefined {
  if (!isId(id) || !isBytes(bytes) || bytes.byteLength > maxPartBytes) return undefined;
  if (typeof last !== 'boolean' || trailers !== undefined) return undefined;
  return { kind: 'body', id, bytes, last };
}

function checkCredit({ id, bytes }: Fields): FrameOf<ToAgent, 'credit'> | undefined {
  return isId(id) && isPositive(bytes) ? { kind: 'credit', id, bytes } : undefined;
}

function checkRequestHead(value: unknown): RequestHead | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { method, scheme, authority, path, headers } = value as Fields;
  if (!isText(method, 1, 32) || (scheme !== 'http' && scheme !== 'https')) return undefined;
  if (!isText(authority, 0, 300) || !isText(path, 1, 16_384)) return undefined;
  return areHeaders(headers) ? { method, scheme, authority, path, headers } : undefined;
}

function checkResponseHead(value: unknown): ResponseHead | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { status, headers } = value as Fields;
  if (!isCount(status) || status < 200 || status > 599) return undefined;
  return areHeaders(headers) ? { status, headers } : undefined;
}

function areHeaders(value: unknown): value is Headers {
  if (!Array.isArray(value) || value.length > maxHeaders) return false;
  let characters = 0;
  for (const header of value) {
    if (!Array.isArray(header) || header.length !== 2) return false;
    const [name, text] = header;
    if (!isText(name, 1, maxHeaderNameCharacters) || typeof text !== 'string') return false;
    characters += name.length + text.length;
  }
  return characters <= maxHeaderCharacters;
}
