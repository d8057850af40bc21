/**
 * What becomes of a request's body that was answered before it was read: it is read to its end and thrown away, so
 * that the client gets its answer and the connection serves further requests, but neither for long nor without end.
 */
import type { IncomingMessage } from 'node:http';

/** How long and how much is thrown away before the connection is cut, in milliseconds and bytes. */
const patienceMs = 500;
const patienceBytes = 64 * 1024 * 1024;

/** Called when the answer has been written; does nothing to a body that came to its end. */
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
