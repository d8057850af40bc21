/**
 * Prepares uploads, each in a process of its own with a deadline and a memory limit. The server's process only passes
 * bytes to it. A bad upload can therefore neither stop the server nor affect the next upload.
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Prepared } from './prepared.ts';
import { type PrepareProcess, startPrepareProcess } from './process.ts';

export type Preparer = {
  /**
   * @param options.memoryBytes limit of each linear memory, in bytes. The modules of the bundle contain it
   * @throws SkerryError `component_rejected` with the reason for the uploader, or `prepare_busy` when the queue is full
   *   or the preparer is closed
   */
  prepare(component: Uint8Array, options: { memoryBytes: number }): Promise<Prepared>;
  /** Kills the running processes. Rejects running and waiting uploads with `prepare_busy`. */
  close(): Promise<void>;
};

/** Maximum number of concurrent processes. Each uses a core, and memory up to its limit. */
const maxProcesses = 2;

/**
 * @param options.timeoutMs maximum wall-clock time for one upload (default 60 s)
 * @param options.memoryMb maximum memory for one upload, in MiB, for the heap and for wasm each (default 1024)
 * @param options.queue maximum number of waiting uploads (default 16)
 * @param options.wasi03 true: components of WASI 0.3 are accepted (default false)
 */
export function createPreparer(
  options: { timeoutMs?: number; memoryMb?: number; queue?: number; wasi03?: boolean } = {},
): Preparer {
  const { timeoutMs = 60_000, memoryMb = 1024, queue = 16, wasi03 = false } = options;
  const waiting: { start(): void; refuse(error: SkerryError): void }[] = [];
  const running = new Set<PrepareProcess>();
  /** Number of occupied process slots. An upload that ends passes its slot to the next one in the queue. */
  let occupied = 0;
  let closed = false;

  const acquireSlot = () =>
    new Promise<void>((start, refuse) => {
      if (closed) refuse(createClosedError());
      else if (occupied < maxProcesses) {
        occupied += 1;
        start();
      } else if (waiting.length >= queue) {
        refuse(new SkerryError('prepare_busy', `${queue} uploads are waiting already; try again shortly`));
      } else waiting.push({ start, refuse });
    });

  return {
    async prepare(component, { memoryBytes }) {
      await acquireSlot();
      const child = startPrepareProcess({ component, memoryBytes, wasi03 }, { timeoutMs, memoryMb });
      running.add(child);
      try {
        return await child.prepared;
      } catch (error) {
        throw closed ? createClosedError() : error;
      } finally {
        running.delete(child);
        const next = waiting.shift();
        if (next) next.start();
        else occupied -= 1;
      }
    },
    async close() {
      closed = true;
      for (const { refuse } of waiting.splice(0)) refuse(createClosedError());
      await Promise.allSettled(
        [...running].map((child) => {
          child.kill();
          return child.prepared;
        }),
      );
    },
  };
}

function createClosedError(): SkerryError {
  return new SkerryError('prepare_busy', 'the control plane is shutting down');
}
