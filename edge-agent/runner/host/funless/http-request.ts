/**
 * `__http_request` of FunLess's ABI, under the function's own egress rules and without the harm that the ABI invites:
 * it has a pointer for the answer and no size (docs/decisions/0009-room-for-an-answer.md).
 *
 * Invariant: at most `roomBytes` are written at the pointer for the answer, and none beyond the guest's memory or, for
 * a pointer into its first KiB, beyond that KiB. A larger answer is not cut: the request has failed.
 */
import type { CallChannel, Fetch, PartSource } from '../../protocol/channel.ts';
import type { FunlessMemory } from './guest-memory.ts';

/** The reservation of FunLess's Go helper. */
const roomBytes = 1_024;
/**
 * Toolchains leave the first KiB empty (`--global-base` of wasm-ld), and FunLess's Rust helper passes 1, the address of
 * an empty buffer, and then reads the answer there.
 */
const unusedBytes = 1_024;

const methods = ['GET', 'POST', 'PUT', 'DELETE'] as const;
const noBytes = new Uint8Array(0);

type Answer = { readonly status: number; readonly body: Uint8Array };

/** In the order of the ABI; all of them i32. */
export type HttpRequestArguments = [
  responsePointer: number,
  lengthPointer: number,
  statusPointer: number,
  method: number,
  uriPointer: number,
  uriLength: number,
  headersPointer: number,
  headersLength: number,
  bodyPointer: number,
  bodyLength: number,
];

/**
 * Writes the answer into the guest's memory; for a failed or denied request, status 0 and no body.
 * @throws RuntimeError for a pointer out of bounds; the reason of the channel's signal
 */
export async function httpRequest(
  memory: FunlessMemory,
  channel: CallChannel,
  [
    response,
    length,
    status,
    method,
    uriAt,
    uriLength,
    headersAt,
    headersLength,
    bodyAt,
    bodyLength,
  ]: HttpRequestArguments,
): Promise<void> {
  const room = Math.min(memory.roomAt(response), roomFrom(response >>> 0));
  memory.writeU32(length, 0);
  memory.writeU16(status, 0);
  const uri = memory.readText(uriAt, uriLength);
  const headers = toHeaders(memory.readText(headersAt, headersLength));
  const body = memory.read(bodyAt, bodyLength);
  const answer = await exchange(channel, methods[method], uri, headers, body, room);
  channel.signal.throwIfAborted();
  if (typeof answer === 'string') return channel.log('warn', `__http_request: ${answer}`);
  memory.write(response, answer.body);
  memory.writeU32(length, answer.body.byteLength);
  memory.writeU16(status, answer.status);
}

const roomFrom = (pointer: number): number => (pointer < unusedBytes ? unusedBytes - pointer : roomBytes);

/** @returns the answer, or why there is none */
async function exchange(
  channel: CallChannel,
  method: (typeof methods)[number] | undefined,
  uri: string,
  headers: [string, string][],
  body: Uint8Array,
  room: number,
): Promise<Answer | string> {
  const url = URL.parse(uri);
  if (!method || !url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    return 'no method or URL that is known';
  const scheme = url.protocol === 'http:' ? 'http' : 'https';
  const path = url.pathname + url.search;
  const length: [string, string][] = body.byteLength > 0 ? [['content-length', String(body.byteLength)]] : [];
  const fetch = channel.fetch({
    head: { method, scheme, authority: url.host, path, headers: [...headers, ...length] },
    connectTimeoutMs: 0,
    firstByteTimeoutMs: 0,
    betweenBytesTimeoutMs: 0,
  });
  void send(fetch, body);
  const answer = await fetch.response;
  if ('error' in answer) return answer.error;
  const whole = await collect(answer.body, room);
  if (whole) return { status: answer.head.status, body: whole };
  fetch.abort();
  return `the answer broke off or has more than the ${room} bytes that this ABI has room for`;
}

async function send({ body }: Fetch, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) {
    if (body.failure) return;
    if (body.room > 0) {
      const part = bytes.subarray(at, at + body.room);
      body.write(part);
      at += part.byteLength;
    } else await body.ready();
  }
  body.end();
}

/** Undefined when it broke off or is longer. */
async function collect(source: PartSource, limit: number): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const part = source.take(limit + 1);
    if (part) {
      bytes += part.byteLength;
      if (bytes > limit) return undefined;
      parts.push(part);
    } else if (source.ended) return parts.length === 0 ? noBytes : Buffer.concat(parts, bytes);
    else if (source.failure) return undefined;
    else await source.ready();
  }
}

/** One `name:value` per line; a value may contain colons. The headers that frame the body are ours. */
function toHeaders(text: string): [string, string][] {
  return text
    .split('\n')
    .map((line): [string, string] => {
      const at = line.indexOf(':');
      return at === -1 ? [line.trim(), ''] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    })
    .filter(([name]) => name !== '' && name.toLowerCase() !== 'content-length');
}
