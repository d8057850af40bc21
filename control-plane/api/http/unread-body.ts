/**
 * Handles a request's body that was not read before the answer: it is read and discarded, so that the client gets its
 * answer and the connection serves further requests. Time and bytes are bounded.
 */
import type { IncomingMessage } from 'node:http';

/** Milliseconds and bytes that are discarded before the connection is cut. */
const patienceMs = 500;
const patienceBytes = 64 * 1024 * 1024;

/** Called when the answer has been written; does nothing when the body has ended. */
export function discardRest(incoming: IncomingMessage): void {
  if (incoming.complete || incoming.destroyed) return;
  let left = patienceBytes;
  const cut = () => incoming.socket.destroySoon();
  const timer = setTimeout(cut, patienceMs);
  const done = () => clearTimeout(timer);
  incoming.on('data', (chunk: Buffer) => {
    left -= chunk.byteLength;
    if (left < 0) cut();
  });
  incoming.once('end', done).once('close', done).once('error', done);
  incoming.resume();
}
