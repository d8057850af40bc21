/** Whether the client still waits for its answer. */
import type { ServerResponse } from 'node:http';

/** A signal that aborts when the connection closes before the answer has been written. */
export function callerSignal(outgoing: ServerResponse): AbortSignal {
  const controller = new AbortController();
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) controller.abort();
  });
  return controller.signal;
}
