/**
 * Keeps all functions together within their memory: by a limit of the operating system where there is one, and
 * everywhere by measuring.
 */
import type { Logger } from 'pino';
import { createRunnerGroup, type RunnerGroup } from './cgroup.ts';
import { residentBytes } from './resident.ts';

export type MemoryGuard = {
  /** The group for a new process; undefined when the operating system gives no limit. */
  readonly group: RunnerGroup | undefined;
  /** Memory of the process at the last measurement, in bytes. */
  readonly bytes: number;
  /** Most of the memory is in use: idle bundles must go. */
  readonly isShort: boolean;
  close(): void;
};

/** Time between two measurements of the process, in milliseconds. */
const lookMs = 100;
const shortShare = 0.8;

/**
 * @param options.pid of the runner's process, while there is one
 * @param options.end ends the process, which uses more than `limitBytes`
 */
export function guardMemory(options: {
  limitBytes: number;
  pid: () => number | undefined;
  end: () => void;
  log: Logger;
}): MemoryGuard {
  const { limitBytes, log } = options;
  const group = createRunnerGroup(limitBytes);
  if (typeof group === 'string')
    log.info({ reason: group }, 'the operating system gives no memory limit for functions');
  let bytes = 0;
  const look = () => {
    const pid = options.pid();
    bytes = pid === undefined ? 0 : residentBytes(pid);
    if (bytes <= limitBytes) return;
    log.warn({ bytes, limitBytes }, 'functions use too much memory; their runner is ended');
    options.end();
  };
  const timer = setInterval(look, lookMs).unref();
  return {
    group: typeof group === 'string' ? undefined : group,
    get bytes() {
      return bytes;
    },
    get isShort() {
      return bytes > limitBytes * shortShare;
    },
    close: () => clearInterval(timer),
  };
}
