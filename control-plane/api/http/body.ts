/** Reads request bodies into memory once, up to a given number of bytes. */
import type { IncomingMessage } from 'node:http';
import { SkerryError } from '@skerry/shared/errors.ts';

const wholeFromBytes = 256 * 1024;

/** @throws SkerryError payload_too_large; bad_request when the client breaks off */
export function readBody(incoming: IncomingMessage, limit: number): Promise<Buffer> {
  const declared = incoming.headers['content-length'];
  if (declared === undefined && incoming.headers['transfer-encoding'] === undefined) {
    return Promise.resolve(Buffer.alloc(0));
  }
  if (Number(declared) > limit) return Promise.reject(tooLarge(limit));
  // A large body of known length goes into one piece of memory; joining chunks would take twice the memory.
  const whole = Number(declared) > wholeFromBytes ? Buffer.allocUnsafeSlow(Number(declared)) : undefined;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const onData = (chunk: Buffer) => {
      if (whole) chunk.copy(whole, size);
      else chunks.push(chunk);
      size += chunk.byteLength;
      if (size > limit) settle(() => reject(tooLarge(limit)));
    };
    const onEnd = () =>
      settle(() => resolve(whole ?? (chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size))));
    const onGone = (cause?: Error) =>
      settle(() => reject(new SkerryError('bad_request', 'The request ended before its body did', { cause })));
    const settle = (finish: () => void) => {
      incoming.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone);
      finish();
    };
    incoming.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
  });
}

function tooLarge(limit: number): SkerryError {
  return new SkerryError('payload_too_large', `The body must not have more than ${limit} bytes`);
}
