/**
 * Rejections that nobody waits for. jco's glue for asynchronous components starts work that it does not look after; when
 * a guest makes such work fail (a read to a place outside of its memory is one way), Node would end the thread, and with
 * it every other call that waits there. It is told from which call a rejection comes, and ends only that.
 *
 * Invariant: a rejection that comes from no such call is our own fault, and ends the thread as ever.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

export type StrayRejections = {
  /** Runs `call`; a rejection that nobody waits for, in it or in what it has started, is given to `fail`. */
  during<T>(fail: (error: unknown) => void, call: () => T): T;
};

/** What looks after nothing. */
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
