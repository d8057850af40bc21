/**
 * One HTTP request of a sink or a callback and its whole answer: with a deadline, a bound on the answer, no redirects, and
 * connections that are kept for the next one, for a while.
 *
 * A connection that was kept may have been closed from the other side just when it is used again; such a request goes
 * out once more. That is safe, since all that sinks send has an id by which a repeat is known.
 */
import { Agent, type IncomingHttpHeaders, request as requestPlain } from 'node:http';
import { request as requestTls, Agent as TlsAgent } from 'node:https';
import { forbiddenError, guardedLookup, isForbidden } from './forbidden-addresses.ts';
import { reasonOf } from './reason.ts';

export type ExchangeRequest = {
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

export type Exchange = {
  /** Rejects when there is no whole answer; `failureReason` tells why. */
  send(request: ExchangeRequest): Promise<ExchangeAnswer>;
  /** Closes what is kept. */
  close(): void;
};

/** Bytes of an answer at most: one to 500 documents has about 100 KB. */
const maxAnswerBytes = 1024 * 1024;
/** Milliseconds that a request may take, its answer included. */
export const requestTimeoutMs = 30_000;
/** Connections to one server at most; further requests wait for one. */
const maxSockets = 8;
/** Milliseconds for which a connection is kept for the next request, unless the server asks for less. */
const keptMs = 10_000;

/**
 * @param ca PEM of the authorities to trust instead of the system's
 * @param idleMs as `keptMs`; 0 keeps none, for whoever sends to ever new servers
 */
export function createExchange(ca?: string, timeoutMs = requestTimeoutMs, idleMs = keptMs): Exchange {
  // The time-out is of connections that are kept; what is under way has a deadline of its own.
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
          } else reject(new Error('the answer was cut'));
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

/** A connection that was kept broke under a new request. */
class StaleConnection extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

/** For a person, in one line: our word for it where there is one, else the system's. */
export function failureReason(error: unknown): string {
  const { code, message } = (error instanceof StaleConnection ? error.cause : error) as NodeJS.ErrnoException;
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'the connection was refused',
    ECONNRESET: 'the connection was broken off',
    ENOTFOUND: 'there is no host of this name',
    EAI_AGAIN: 'the name of the host cannot be looked up now',
    ETIMEDOUT: 'the connection timed out',
    EHOSTUNREACH: 'there is no way to the host',
    ENETUNREACH: 'there is no way to the network',
  };
  return (code !== undefined && known[code]) || reasonOf(message) || 'the request failed';
}

/** Milliseconds that `Retry-After` asks for (RFC 9110, section 10.2.3), ten minutes at most. */
export function retryAfterMs({ 'retry-after': after }: IncomingHttpHeaders): number | undefined {
  if (after === undefined || !/^\d{1,9}$/.test(after)) return undefined;
  return Math.min(Number(after) * 1_000, 600_000);
}
