/** Whether the client still waits for its answer, and the handling of bytes that it still sends. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { discardRest } from '../http/unread-body.ts';

/**
 * Aborts when the connection closes before the answer has been written. After that, the rest of the request's body is
 * discarded.
 */
export function callerEnd(incoming: IncomingMessage, outgoing: ServerResponse): AbortController {
  const controller = new AbortController();
  outgoing.once('close', () => {
    if (outgoing.writableFinished) discardRest(incoming);
    else controller.abort();
  });
  return controller;
}
