/**
 * The frames of every call, checked by hand: the schemas of protocol.ts say the same, at several times the cost.
 *
 * Invariant: what is let through here is what the schema would give, key by key; whatever is in doubt, rare or wrong
 * is left to the schema. hot-frames.test.ts holds both against each other. New objects are made, so that no key goes
 * through that the schema does not name.
 */
import type { Headers, RequestHead, ResponseHead } from '../http/http.ts';
import { maxHeaderCharacters, maxHeaderNameCharacters, maxHeaders, maxPartBytes } from '../http/http-limits.ts';
import type { FrameOf, ToAgent, ToControl } from './protocol.ts';

type Fields = Readonly<Record<string, unknown>>;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isPositive = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1;
const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array;
const isText = (value: unknown, least: number, most: number): value is string =>
  typeof value === 'string' && value.length >= least && value.length <= most;
const isId = (value: unknown): value is string => isText(value, 1, 64);

/** The frame as the schema gives it; undefined: ask the schema. */
export function hotToAgent(value: object): ToAgent | undefined {
  const frame = value as Fields;
  switch (frame.kind) {
    case 'invoke':
      return invokeOf(frame);
    case 'body':
      return bodyOf(frame);
    case 'credit':
      return creditOf(frame);
    default:
      return undefined;
  }
}

/** The frame as the schema gives it; undefined: ask the schema. */
export function hotToControl(value: object): ToControl | undefined {
  const frame = value as Fields;
  switch (frame.kind) {
    case 'outcome':
      return outcomeOf(frame);
    case 'body':
      return bodyOf(frame);
    case 'credit':
      return creditOf(frame);
    default:
      return undefined;
  }
}

function invokeOf(frame: Fields): FrameOf<ToAgent, 'invoke'> | undefined {
  const { id, function: fn, timeoutMs, input, traceparent, http, streams } = frame;
  if (!isId(id) || !isId(fn) || !isPositive(timeoutMs) || !isBytes(input)) return undefined;
  const invoke: FrameOf<ToAgent, 'invoke'> = { kind: 'invoke', id, function: fn, timeoutMs, input };
  if (traceparent !== undefined) {
    if (!isText(traceparent, 0, 64)) return undefined;
    invoke.traceparent = traceparent;
  }
  if (http !== undefined) {
    const head = toRequestHead(http);
    if (!head) return undefined;
    invoke.http = head;
  }
  if (streams !== undefined) {
    if (typeof streams !== 'boolean') return undefined;
    invoke.streams = streams;
  }
  return invoke;
}

function outcomeOf(frame: Fields): FrameOf<ToControl, 'outcome'> | undefined {
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
    const known = responseHeadOf(head);
    if (!known) return undefined;
    outcome.head = known;
  }
  return outcome;
}

function bodyOf({ id, bytes, last, trailers }: Fields): FrameOf<ToAgent, 'body'> | undefined {
  if (!isId(id) || !isBytes(bytes) || bytes.byteLength > maxPartBytes) return undefined;
  if (typeof last !== 'boolean' || trailers !== undefined) return undefined;
  return { kind: 'body', id, bytes, last };
}

function creditOf({ id, bytes }: Fields): FrameOf<ToAgent, 'credit'> | undefined {
  return isId(id) && isPositive(bytes) ? { kind: 'credit', id, bytes } : undefined;
}

function toRequestHead(value: unknown): RequestHead | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { method, scheme, authority, path, headers } = value as Fields;
  if (!isText(method, 1, 32) || (scheme !== 'http' && scheme !== 'https')) return undefined;
  if (!isText(authority, 0, 300) || !isText(path, 1, 16_384)) return undefined;
  return areHeaders(headers) ? { method, scheme, authority, path, headers } : undefined;
}

function responseHeadOf(value: unknown): ResponseHead | undefined {
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
