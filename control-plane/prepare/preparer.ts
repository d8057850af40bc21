/**
 * Prepares uploads, each in a process of its own that is killed at its deadline and that cannot take more memory than
 * it is given. The server's process only hands over bytes: a bad upload can neither stop it nor change what happens
 * to the next one.
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Prepared } from './prepared.ts';
import { type PrepareProcess, startPrepareProcess } from './process.ts';

export type Preparer = {
  /**
   * @param options.memoryBytes limit of each linear memory, written into the bundle
   * @throws SkerryError `component_rejected` with the reason for the uploader; `prepare_busy` when the queue is full
   *   or the preparer is closed
   */
  prepare(component: Uint8Array, options: { memoryBytes: number }): Promise<Prepared>;
  /** Ends what runs; what runs and what waits is rejected with `prepare_busy`. */
  close(): Promise<void>;
};

/** Uploads prepared at one time: each takes a core and up to the memory limit. */
const atOnce = 2;

/**
 * @param options.timeoutMs wall-clock time for one upload (default 60 s)
 * @param options.memoryMb memory for one upload, in MiB, of the heap and of wasm each (default 1024)
 * @param options.queue uploads that may wait (default 16)
 * @param options.wasi03 whether components of WASI 0.3 are accepted (default no)
 */
export function createPreparer(
  options: { timeoutMs?: number; memoryMb?: number; queue?: number; wasi03?: boolean } = {},
): Preparer {
  const { timeoutMs = 60_000, memoryMb = 1024, queue = 16, wasi03 = false } = options;
  const waiting: { start(): void; refuse(error: SkerryError): void }[] = [];
  const running = new Set<PrepareProcess>();
  /** Turns taken; whoever ends one gives it to the next in the queue, if there is one. */
  let semaphore = 0;
  let closed = false;

  const turn = () =>
    new Promise<void>((start, refuse) => {
      if (closed) refuse(closing());
      else if (semaphore < atOnce) {
        semaphore += 1;
        start();
      } else if (waiting.length >= queue) {
        refuse(new SkerryError('prepare_busy', `${queue} uploads are waiting already; try again shortly`));
      } else waiting.push({ start, refuse });
    });

  return {
    async prepare(component, { memoryBytes }) {
      await turn();
      const child = startPrepareProcess({ component, memoryBytes, wasi03 }, { timeoutMs, memoryMb });
      running.add(child);
      try {
        return await child.prepared;
      } catch (error) {
        throw closed ? closing() : error;
      } finally {
        running.delete(child);
        const next = waiting.shift();
        if (next) next.start();
        else semaphore -= 1;
      }
    },
    async close() {
      closed = true;
      for (const { refuse } of waiting.splice(0)) refuse(closing());
      await Promise.allSettled(
        [...running].map((child) => {
          child.kill();
          return child.prepared;
        }),
      );
    },
  };
}

function closing(): SkerryError {
  return new SkerryError('prepare_busy', 'the control plane is shutting down');
}
