/**
 * One outgoing request: checked, resolved once, connected to that very address, with both bodies in parts within their
 * windows. Each request has its own connection, since a pool would share more between functions than it saves. No
 * proxy, no cookies, no redirects: a guest that follows one sends another request, which is checked again.
 *
 * Invariants: `onError` or `onHead` is called once, and after `onHead` one of `onEnd` and `onFailure`. Nothing is
 * called after `abort`. Of either body at most `streamWindowBytes` are here beyond the sockets' buffers. `onDone` is
 * called once, when no part of the request goes on, including name lookups, which cannot be stopped.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Grants } from '@skerry/shared/function/manifest.ts';
import type { Headers } from '@skerry/shared/http/http.ts';
import { streamWindowBytes } from '@skerry/shared/http/http-limits.ts';
import type { CapabilityFetch, FetchEvents } from '../../runner/calls/call-capabilities.ts';
import type { FetchRequest } from '../../runner/protocol/capability-requests.ts';
import type { Connect } from './connect.ts';
import { httpErrorCode } from './http-error.ts';
import { request as httpRequest } from './node-http.ts';
import { areFields, type HttpErrorCode, toOutgoing } from './request.ts';
import { findAddress, type Resolve } from './resolve.ts';
import { type ResponseReader, readHead, readResponse } from './response.ts';

/** Resolves names and opens connections. */
type OutboundOptions = { readonly resolve: Resolve; readonly connect: Connect };

/** Bytes of a response's head; Node counts trailers to it. */
const maxHeadBytes = 64 * 1024;
/** Interim responses (1xx) before the head. */
const maxInterim = 16;
/** The largest value of a timer; calls end long before. */
const longestTimeoutMs = 600_000;
/** Their bodies have no framing unless it is declared; others announce one by default (RFC 9110, section 9.3). */
const bodilessMethods = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

/** @param events called from the next turn on, never before this has returned */
export function openOutbound(
  { resolve, connect }: OutboundOptions,
  grants: Grants,
  ask: FetchRequest,
  events: FetchEvents,
  onDone: () => void,
): CapabilityFetch {
  const stop = new AbortController();
  const outgoing = toOutgoing(ask.head);
  const statedBytes = typeof outgoing === 'string' ? undefined : outgoing.contentLength;
  let over = false;
  let socket: Duplex | undefined;
  let request: ClientRequest | undefined;
  let response: ResponseReader | undefined;
  let timer: NodeJS.Timeout | undefined;
  /**
   * State of the request's body: parts that came before there was a request, its end, and bytes in all and not yet
   * sent.
   */
  let early: Uint8Array[] = [];
  let end: { readonly trailers: Headers | undefined } | undefined;
  let bodyBytes = 0;
  let unsentBytes = 0;

  const finish = (report: () => void) => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    early = [];
    stop.abort();
    request?.destroy();
    socket?.destroy();
    report();
  };
  const fail = (error: HttpErrorCode) => finish(() => (response ? events.onFailure() : events.onError(error)));
  /** @param ms 0: as long as the call may take */
  const within = (ms: number, error: HttpErrorCode) => {
    clearTimeout(timer);
    if (ms > 0) timer = setTimeout(() => fail(error), Math.min(ms, longestTimeoutMs));
  };
  const betweenBytes = () => within(ask.betweenBytesTimeoutMs, 'connection-read-timeout');

  const sendPart = (bytes: Uint8Array) => {
    request?.write(bytes, () => {
      unsentBytes -= bytes.byteLength;
      if (!over) events.onCredit(bytes.byteLength);
    });
  };
  const sendEnd = ({ trailers = [] }: { readonly trailers: Headers | undefined }, framed: boolean) => {
    if (framed && areFields(trailers)) request?.addTrailers([...trailers] as [string, string][]);
    request?.end();
  };

  /** Sends the head once the body's framing is known, which is when there is some of it, or its end. */
  const begin = (bodyFollows: boolean) => {
    if (over || request || !socket || typeof outgoing === 'string') return;
    const { method, path, headers, contentLength } = outgoing;
    const chunked = contentLength === undefined && (early.length > 0 || (bodyFollows && !end));
    if (contentLength === undefined && !chunked && !end) return;
    const connection = socket;
    const framing = chunked ? ['Transfer-Encoding', 'chunked'] : [];
    const emptied = contentLength === undefined && !chunked && !bodilessMethods.has(method);
    request = httpRequest({
      method,
      path,
      headers: [...headers, ...framing, ...(emptied ? ['Content-Length', '0'] : [])],
      createConnection: () => connection,
      maxHeaderSize: maxHeadBytes,
    });
    listen(request);
    within(ask.firstByteTimeoutMs, 'HTTP-response-timeout');
    request.flushHeaders();
    for (const part of early) sendPart(part);
    early = [];
    if (end) sendEnd(end, chunked);
  };

  const listen = (sent: ClientRequest) => {
    let interim = 0;
    sent.on('error', (error) => {
      // An answer that has begun may still be complete, although its sender takes no more of the request.
      if (!response) fail(httpErrorCode(error));
    });
    sent.on('upgrade', () => fail('HTTP-upgrade-failed'));
    sent.on('information', () => {
      interim += 1;
      if (interim > maxInterim) fail('HTTP-protocol-error');
    });
    sent.on('response', onResponse);
  };

  const onResponse = (message: IncomingMessage) => {
    if (over) return;
    const head = readHead(message);
    if (typeof head === 'string') return fail(head);
    betweenBytes();
    response = readResponse(message, grants.body_bytes, {
      onPart(bytes) {
        if (over) return;
        betweenBytes();
        events.onPart(bytes);
      },
      /** While the guest does not take the bytes that are here, the server is not late. */
      onFull: () => clearTimeout(timer),
      onEnd: (trailers) => finish(() => events.onEnd(trailers)),
      onFailure: () => fail('HTTP-response-incomplete'),
    });
    events.onHead(head);
    response.start();
  };

  const start = async () => {
    if (typeof outgoing === 'string') return fail(outgoing);
    const { target, secure, method } = outgoing;
    within(ask.connectTimeoutMs, 'connection-timeout');
    const found = await findAddress(grants, target, resolve);
    if (over) return;
    if ('error' in found) return fail(found.error);
    const { address } = found;
    const { port, host } = target;
    const made = await connect({ address, port, signal: stop.signal, ...(secure && { tlsHost: host }) });
    made.on('error', (error) => {
      if (!request) fail(httpErrorCode(error));
    });
    if (over) return void made.destroy();
    clearTimeout(timer);
    socket = made;
    begin(false);
    // By then, a body that came with the request has arrived.
    setImmediate(() => begin(!bodilessMethods.has(method)));
  };

  // The first turn of `start` is ours, and nothing may be reported in it.
  void Promise.resolve()
    .then(start)
    .catch((error: unknown) => fail(httpErrorCode(error)))
    .finally(() => (over ? onDone() : stop.signal.addEventListener('abort', onDone, { once: true })));

  return {
    write(bytes) {
      if (over || end) return;
      bodyBytes += bytes.byteLength;
      unsentBytes += bytes.byteLength;
      if (bodyBytes > Math.min(grants.body_bytes, statedBytes ?? Infinity)) return fail('HTTP-request-body-size');
      // Only a compromised runner exceeds the window.
      if (unsentBytes > streamWindowBytes) return fail('internal-error');
      if (request) return sendPart(bytes);
      early.push(bytes);
      begin(true);
    },
    end(trailers) {
      if (over || end) return;
      end = { trailers };
      if (bodyBytes < (statedBytes ?? 0)) return fail('HTTP-request-body-size');
      if (request) sendEnd(end, request.hasHeader('transfer-encoding'));
      else begin(true);
    },
    abort: () => finish(() => {}),
    credit(bytes) {
      if (over || !response) return;
      betweenBytes();
      response.credit(bytes);
    },
  };
}
