/**
 * A function's answer on its way to the client.
 *
 * Invariants: only this code frames the answer. The function's `content-length` is enforced: a body of another length,
 * or one that ends early, costs the client's connection, so that the client does not take it for complete and no byte
 * of it is read as the next answer. Nothing here throws once the head is out.
 */
import { type ServerResponse, STATUS_CODES } from 'node:http';
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Headers, ResponseHead } from '@skerry/shared/http/http.ts';
import type { BodyPart } from '../../tunnel/calls/streams.ts';
import { responseHeaders, responseTrailers } from './http-headers.ts';
import { createSlowWriter, type SlowWriter } from './slow-writer.ts';

export type HttpAnswer = {
  /** True when the head is out. From then on the only way to report an error is to cut the connection. */
  readonly begun: boolean;
  /** True when the end of the body has been given. */
  readonly whole: boolean;
  /**
   * Sends the head, together with our own headers.
   * @throws SkerryError function_http_error when it is malformed; nothing is out then
   */
  begin(head: ResponseHead, ours: Headers): void;
  /**
   * Writes a part; `taken` is called with its bytes when the operating system has them.
   * @throws SkerryError function_http_error, function_output_too_large
   */
  part(part: BodyPart, taken: (bytes: number) => void): void;
  /**
   * Sends head, body and trailers at once, together with our own headers.
   * @throws SkerryError as `begin` and `part`; nothing is out then
   */
  send(head: ResponseHead, body: Uint8Array, trailers: Headers | undefined, ours: Headers): void;
  /** Cuts the connection: the body will be incomplete. */
  breakOff(): void;
};

/** @param limit largest body in bytes */
export function createHttpAnswer(outgoing: ServerResponse, requestId: string, limit: number): HttpAnswer {
  let whole = false;
  let size = 0;
  /** The body's length as the function declares it, where that is binding. */
  let declared: number | undefined;
  let hasBody = true;
  let writer: SlowWriter | undefined;

  const begin = (head: ResponseHead, ours: Headers, known: number | undefined) => {
    const headers = responseHeaders(head.headers);
    const length = declaredLength(headers);
    hasBody = outgoing.req.method !== 'HEAD' && head.status !== 204 && head.status !== 205 && head.status !== 304;
    if (hasBody) declared = length;
    if (length !== undefined && known !== undefined && hasBody && length !== known) throw wrongLength(length, known);
    // RFC 9110, section 8.6: no content-length with 204; 205 has none but 0.
    const lengthless = head.status === 204 || head.status === 205;
    const chunked = hasBody && length === undefined && known === undefined && outgoing.useChunkedEncodingByDefault;
    const kept = headers.filter(([name]) => !(lengthless && isLength(name)) && (chunked || !isTrailer(name)));
    if (hasBody && length === undefined && known !== undefined) kept.push(['content-length', String(known)]);
    writeHead(outgoing, head.status, [...kept, ['x-request-id', requestId], ...ours].flat());
  };

  const add = (bytes: number) => {
    size += bytes;
    if (size > limit) {
      throw new SkerryError('function_output_too_large', `the answer is over the function's limit of ${limit} bytes`);
    }
    if (declared !== undefined && size > declared) throw wrongLength(declared, size);
  };

  const checkWhole = () => {
    if (hasBody && declared !== undefined && size !== declared) throw wrongLength(declared, size);
  };

  return {
    get begun() {
      return outgoing.headersSent;
    },
    get whole() {
      return whole;
    },
    begin(head, ours) {
      begin(head, ours, undefined);
      // The client must see the head even when the body takes long.
      outgoing.flushHeaders();
    },
    part({ bytes, last, trailers }, taken) {
      add(bytes.byteLength);
      if (hasBody && bytes.byteLength > 0) {
        writer ??= createSlowWriter(outgoing, taken);
        writer.write(bytes);
      } else taken(bytes.byteLength);
      if (!last) return;
      checkWhole();
      writer?.flush();
      // Trailers need the chunked coding (RFC 9112, section 7.1.2); elsewhere they may be dropped.
      if (trailers && outgoing.chunkedEncoding) outgoing.addTrailers(responseTrailers(trailers));
      whole = true;
      outgoing.end();
    },
    send(head, body, trailers, ours) {
      const fields = trailers && responseTrailers(trailers);
      add(body.byteLength);
      begin(head, ours, fields && fields.length > 0 ? undefined : body.byteLength);
      whole = true;
      if (fields && outgoing.chunkedEncoding) {
        outgoing.flushHeaders();
        outgoing.addTrailers(fields);
      }
      outgoing.end(hasBody ? body : undefined);
    },
    breakOff() {
      outgoing.destroy();
    },
  };
}

const isLength = (name: string) => name.length === 14 && name.toLowerCase() === 'content-length';
/** It announces trailers, which only the chunked coding has (RFC 9110, section 6.6.2); Node refuses it elsewhere. */
const isTrailer = (name: string) => name.length === 7 && name.toLowerCase() === 'trailer';

/**
 * A head that Node refuses is the function's fault.
 * @throws SkerryError function_http_error; the response can then be given another head
 */
function writeHead(outgoing: ServerResponse, status: number, headers: string[]): void {
  try {
    outgoing.writeHead(status, STATUS_CODES[status] ?? '', headers);
  } catch (cause) {
    // Node keeps the reason phrase for the next head, with any status.
    outgoing.statusMessage = '';
    throw new SkerryError('function_http_error', 'the function answered with a malformed head', { cause });
  }
}

/** @throws SkerryError function_http_error when there are several, or one that is no length (RFC 9112, section 6.3) */
function declaredLength(headers: Headers): number | undefined {
  const lengths = headers.filter(([name]) => isLength(name)).map(([, value]) => value);
  const [first] = lengths;
  if (first === undefined) return undefined;
  if (lengths.length === 1 && /^\d{1,15}$/.test(first)) return Number(first);
  throw new SkerryError('function_http_error', 'the function answered with a malformed content-length');
}

function wrongLength(declared: number, size: number): SkerryError {
  return new SkerryError(
    'function_http_error',
    `the function declared a body of ${declared} bytes and gave ${size < declared ? 'less' : 'more'}`,
  );
}
