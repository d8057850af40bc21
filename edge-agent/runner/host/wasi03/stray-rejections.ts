/**
 * Unhandled rejections. jco's glue for asynchronous components starts work without handling its failures. When a guest
 * makes such work fail (a read outside of its memory is one way), Node would end the thread, and with it every other
 * call that waits there. This module finds the call of a rejection, and ends only that call.
 *
 * Invariant: a rejection that belongs to no call is a bug of ours, and ends the thread as usual.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

export type StrayRejections = {
  /** Runs `call`. An unhandled rejection in it, or in work that it started, goes to `fail`. */
  during<T>(fail: (error: unknown) => void, call: () => T): T;
};

/** Work that handles no failures. */
export const noStrayRejections: StrayRejections = { during: (_, call) => call() };

/** Once per thread. @param events the thread's `process` */
export function createStrayRejections(events: Pick<NodeJS.Process, 'on'>): StrayRejections {
  const failing = new AsyncLocalStorage<(error: unknown) => void>();
  events.on('unhandledRejection', (reason) => {
    const fail = failing.getStore();
    if (!fail) throw reason;
    fail(reason);
  });
  return { during: (fail, call) => failing.run(fail, call) };
}
