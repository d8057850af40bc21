/** The body of a request on its way to a function, part by part, no faster than the function takes it. */
import type { IncomingMessage } from 'node:http';
import { SkerryError } from '@skerry/shared/errors.ts';
import { maxPartBytes } from '@skerry/shared/http/http-limits.ts';
import type { Upload } from '../../tunnel/calls/streams.ts';
import { requestTrailers } from './http-headers.ts';

const nothing = new Uint8Array(0);

/**
 * Sends the body. Resolves when all of it is sent, or the rest is no longer wanted and left for the server to discard.
 * Rejects with payload_too_large when it has more than `limit` bytes, with cancelled when the client breaks off.
 */
export async function sendBody(incoming: IncomingMessage, upload: Upload, limit: number): Promise<void> {
  let size = 0;
  try {
    // Destroying the request would close the connection, and with it the answer.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.byteLength;
      if (size > limit) throw bodyTooLarge(limit);
      for (let at = 0; at < chunk.byteLength; at += maxPartBytes) {
        const bytes = chunk.subarray(at, at + maxPartBytes);
        if (!(await upload.send({ bytes, last: false }))) return;
      }
    }
  } catch (cause) {
    if (cause instanceof SkerryError) throw cause;
    throw new SkerryError('cancelled', 'the caller broke off in the middle of its body', { cause });
  }
  const trailers = requestTrailers(incoming.rawTrailers);
  await upload.send({ bytes: nothing, last: true, ...(trailers.length > 0 && { trailers }) });
}

export function bodyTooLarge(limit: number): SkerryError {
  return new SkerryError('payload_too_large', `the body is over the function's limit of ${limit} bytes`);
}
