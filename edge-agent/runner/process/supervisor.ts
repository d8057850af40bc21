/**
 * Keeps a runner's process running while it is needed. The process starts at the first request. After each loss the
 * next start waits longer, so that a function that kills its runner cannot keep the device busy with starts.
 */
import { backoffDelay } from '@skerry/shared/backoff.ts';
import type { RunnerProcess } from './process.ts';

export type Supervisor = {
  /** The process if it runs. Otherwise one is started, and `onUp` follows. */
  get(): RunnerProcess | undefined;
  /** The process if it runs; starts none. */
  readonly current: RunnerProcess | undefined;
  /** Ends the process until the next request; this counts as no loss. False when there is none. */
  retire(): boolean;
  /** Number of losses so far. */
  readonly restarts: number;
  /** Ends the process and starts no other. Resolves when the process is gone. */
  close(): Promise<void>;
};

const backoff = { baseMs: 100, capMs: 10_000 };
/** A process that lived this long was healthy. The next loss counts as the first. */
const graceMs = 10_000;

export function createSupervisor(options: {
  /** Starts a process; `onExit` is called once with the reason when it is gone. */
  start(onExit: (end: string) => void): Promise<RunnerProcess>;
  onUp(process: RunnerProcess): void;
  onLost(end: string): void;
  /** A number in [0, 1). */
  random: () => number;
  /** Milliseconds; only differences count. */
  now: () => number;
}): Supervisor {
  const { start, onUp, onLost, random, now } = options;
  let process: RunnerProcess | undefined;
  let starting = false;
  let closed = false;
  let restarts = 0;
  let failures = 0;
  let upSince = 0;
  let notBefore = 0;
  let timer: NodeJS.Timeout | undefined;
  let gone: (() => void) | undefined;
  /** Number of starts so far. The end of any but the last process has no effect. */
  let attempts = 0;

  const lost = (end: string, attempt: number) => {
    if (attempt !== attempts) return;
    process = undefined;
    restarts += 1;
    failures = now() - upSince > graceMs ? 1 : failures + 1;
    // The first loss waits for nothing: most losses are single.
    notBefore = failures === 1 ? 0 : now() + backoffDelay(failures - 1, random(), 0, backoff);
    gone?.();
    onLost(end);
  };

  const up = async () => {
    starting = true;
    timer = undefined;
    upSince = now();
    attempts += 1;
    const attempt = attempts;
    try {
      const started = await start((end) => lost(end, attempt));
      if (closed) started.kill();
      process = started;
    } catch (error) {
      lost(`not started: ${error instanceof Error ? error.message : String(error)}`, attempt);
      return;
    } finally {
      starting = false;
    }
    if (process && !closed) onUp(process);
  };

  return {
    get() {
      if (!process && !starting && !timer && !closed) {
        const wait = notBefore - now();
        if (wait <= 0) void up();
        else timer = setTimeout(() => void up(), wait);
      }
      return process;
    },
    get current() {
      return process;
    },
    retire() {
      if (!process) return false;
      attempts += 1;
      process.kill();
      process = undefined;
      return true;
    },
    get restarts() {
      return restarts;
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      if (!process && !starting) return;
      const ended = new Promise<void>((resolve) => {
        gone = resolve;
      });
      process?.kill();
      await ended;
    },
  };
}
