/**
 * One HTTP request of a sink or a callback and its whole answer: with a deadline, a bounded answer, no redirects, and
 * connections that are kept alive for a while.
 *
 * The other side may close a kept connection just when it is used again. Such a request is sent once more. That is
 * safe, since everything that sinks send has an id by which a repeat is recognised.
 */
import { Agent, type IncomingHttpHeaders, request as requestPlain } from 'node:http';
import { request as requestTls, Agent as TlsAgent } from 'node:https';
import { forbiddenError, guardedLookup, isForbidden } from './forbidden-addresses.ts';
import { reasonOf } from './reason.ts';

type ExchangeRequest = {
  readonly method: string;
  /** Without credentials. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | undefined;
  readonly signal: AbortSignal;
};

export type ExchangeAnswer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
};

export type OutboundExchange = {
  /** Rejects when there is no complete answer; `failureReason` says why. */
  send(request: ExchangeRequest): Promise<ExchangeAnswer>;
  /** Closes kept connections. */
  close(): void;
};

/** Largest answer in bytes: one to 500 documents has about 100 KB. */
const maxAnswerBytes = 1024 * 1024;
/** Milliseconds that a request may take, including its answer. */
export const requestTimeoutMs = 30_000;
/** Most connections to one server; further requests wait for one. */
const maxSockets = 8;
/** Milliseconds for which a connection is kept for the next request, unless the server asks for less. */
const keptMs = 10_000;

/**
 * @param ca PEM of the authorities to trust instead of the system's
 * @param idleMs as `keptMs`; 0 keeps none, for callers with ever new servers
 */
export function createExchange(ca?: string, timeoutMs = requestTimeoutMs, idleMs = keptMs): OutboundExchange {
  // The time-out applies to idle connections; requests in progress have a deadline of their own.
  const kept = { keepAlive: idleMs > 0, ...(idleMs > 0 && { timeout: idleMs }) };
  const common = { ...kept, maxSockets, scheduling: 'lifo', lookup: guardedLookup } as const;
  const plain = new Agent(common);
  const tls = new TlsAgent({ ...common, rejectUnauthorized: true, ...(ca !== undefined && { ca }) });

  const once = (given: ExchangeRequest, signal: AbortSignal) =>
    new Promise<ExchangeAnswer>((resolve, reject) => {
      const { method, url, headers, body } = given;
      const secure = url.protocol === 'https:';
      const options = { method, headers, signal, agent: secure ? tls : plain };
      const request = secure ? requestTls(url, options) : requestPlain(url, options);
      const parts: Buffer[] = [];
      let bytes = 0;
      request.on('error', (error) => reject(request.reusedSocket ? new StaleConnection(error) : error));
      request.on('response', (response) => {
        response.on('error', reject);
        response.on('data', (part: Buffer) => {
          bytes += part.byteLength;
          if (bytes > maxAnswerBytes) request.destroy(new Error(`the answer has more than ${maxAnswerBytes} bytes`));
          else parts.push(part);
        });
        response.on('end', () => {
          if (response.complete) {
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) });
          } else reject(new Error('the answer was truncated'));
        });
      });
      request.end(body);
    });

  return {
    async send(request) {
      const { hostname } = request.url;
      if (isForbidden(hostname)) throw forbiddenError(hostname);
      const deadline = AbortSignal.timeout(timeoutMs);
      const signal = AbortSignal.any([request.signal, deadline]);
      try {
        return await once(request, signal).catch((error) => {
          if (error instanceof StaleConnection && !signal.aborted) return once(request, signal);
          throw error;
        });
      } catch (error) {
        throw deadline.aborted ? new Error(`no answer within ${timeoutMs / 1_000} s`) : error;
      }
    },
    close() {
      plain.destroy();
      tls.destroy();
    },
  };
}

/** A kept connection broke under a new request. */
class StaleConnection extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

/** For a person, in one line: our own phrase where there is one, else the system's message. */
export function failureReason(error: unknown): string {
  const { code, message } = (error instanceof StaleConnection ? error.cause : error) as NodeJS.ErrnoException;
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'the connection was refused',
    ECONNRESET: 'the connection was broken off',
    ENOTFOUND: 'no host has this name',
    EAI_AGAIN: 'the name of the host cannot be looked up now',
    ETIMEDOUT: 'the connection timed out',
    EHOSTUNREACH: 'there is no route to the host',
    ENETUNREACH: 'there is no route to the network',
  };
  return (code !== undefined && known[code]) || reasonOf(message) || 'the request failed';
}

/** Milliseconds that `Retry-After` asks for (RFC 9110, section 10.2.3), at most ten minutes. */
export function retryAfterMs({ 'retry-after': after }: IncomingHttpHeaders): number | undefined {
  if (after === undefined || !/^\d{1,9}$/.test(after)) return undefined;
  return Math.min(Number(after) * 1_000, 600_000);
}
