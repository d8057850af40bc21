/** The answer to an outgoing request: its head, checked, and its body, which is read from the socket only on demand. */
import type { IncomingMessage } from 'node:http';
import { type Headers, headersSchema, type ResponseHead, responseHeadSchema } from '@skerry/shared/http/http.ts';
import { maxPartBytes, streamWindowBytes } from '@skerry/shared/http/http-limits.ts';
import { type HttpErrorCode, withoutHopHeaders } from './request.ts';

export type ResponseReader = {
  start(): void;
  /** This number of further bytes is requested. */
  credit(bytes: number): void;
};

/** One of `onEnd` and `onFailure` comes first and counts; a failure may be reported again after either. */
type ResponseEvents = {
  onPart(bytes: Uint8Array): void;
  /** More bytes are here or will come, and are not requested now. */
  onFull(): void;
  onEnd(trailers: Headers | undefined): void;
  onFailure(): void;
};

/** The head without connection headers, or why it is refused. */
export function readHead({ statusCode, rawHeaders }: IncomingMessage): ResponseHead | HttpErrorCode {
  const head = { status: statusCode, headers: withoutHopHeaders(toPairs(rawHeaders)) };
  const checked = responseHeadSchema.safeParse(head);
  if (checked.success) return checked.data;
  return checked.error.issues.some(({ path }) => path[0] === 'status')
    ? 'HTTP-protocol-error'
    : 'HTTP-response-header-section-size';
}

/** @param limitBytes of the whole body */
export function readResponse(message: IncomingMessage, limitBytes: number, events: ResponseEvents): ResponseReader {
  let window = streamWindowBytes;
  let received = 0;

  const pump = () => {
    for (;;) {
      const length = Math.min(message.readableLength, window, maxPartBytes);
      if (length === 0) break;
      const bytes: Buffer | null = message.read(length);
      if (!bytes) break;
      window -= bytes.byteLength;
      received += bytes.byteLength;
      if (received > limitBytes) return events.onFailure();
      events.onPart(bytes);
    }
    if (window === 0) events.onFull();
    // With no bytes left, this reads the end of the stream.
    if (message.readableLength === 0) message.read(0);
  };

  return {
    start() {
      message.on('error', () => events.onFailure());
      message.on('close', () => events.onFailure());
      message.on('end', () => {
        const trailers = headersSchema.safeParse(withoutHopHeaders(toPairs(message.rawTrailers)));
        if (!message.complete || !trailers.success) return events.onFailure();
        events.onEnd(trailers.data.length === 0 ? undefined : trailers.data);
      });
      message.on('readable', pump);
    },
    credit(bytes) {
      if (!Number.isSafeInteger(bytes) || bytes <= 0) return;
      window = Math.min(streamWindowBytes, window + bytes);
      pump();
    },
  };
}

function toPairs(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, index) => [raw[2 * index] ?? '', raw[2 * index + 1] ?? '']);
}
