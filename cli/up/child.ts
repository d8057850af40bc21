/**
 * Runs a process of Skerry as a child of `skerry up`, with its output in a log file.
 *
 * The child leads a process group of its own, so that Ctrl-C in the terminal reaches only `skerry up`, which then
 * ends its children in order. Every run begins with an empty log file.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { type EntryPoint, entryPointPath } from './process.ts';

export type ChildExit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type Child = {
  /** Its name in messages: "control plane", "agent". */
  readonly title: string;
  readonly logFile: string;
  /** Resolves when the process has ended. */
  readonly exited: Promise<ChildExit>;
  /** Sends SIGTERM, and kills the whole process group after `graceMs`. Resolves when the process has ended. */
  stop(graceMs: number): Promise<void>;
  /** Kills its whole process group. */
  kill(): void;
  /** The last lines of its log, one per message. */
  lastLines(): Promise<string[]>;
};

export type ChildOptions = {
  readonly title: string;
  readonly entryPoint: EntryPoint;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
};

const shownLines = 8;

/** @throws Error when the log file cannot be written or the process cannot be started */
export async function startChild({ title, entryPoint, env, logFile }: ChildOptions): Promise<Child> {
  const log = await open(logFile, 'w', 0o600);
  const process_ = spawn(process.execPath, [entryPointPath(entryPoint)], {
    env,
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  const exited = once(process_, 'exit').then(([code, signal]): ChildExit => ({ code, signal }));
  exited.catch(() => undefined);
  try {
    await once(process_, 'spawn');
  } finally {
    await log.close();
  }
  const kill = () => killGroup(process_.pid);
  return {
    title,
    logFile,
    exited,
    kill,
    async stop(graceMs) {
      process_.kill('SIGTERM');
      const timer = setTimeout(kill, graceMs);
      await exited.finally(() => clearTimeout(timer));
    },
    async lastLines() {
      const text = await readFile(logFile, 'utf8').catch(() => '');
      return text.trimEnd().split('\n').slice(-shownLines).map(summarizeLine).filter(Boolean);
    },
  };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The message and error of a pino line. At most 300 characters of any other line. */
function summarizeLine(line: string): string {
  try {
    const { msg, err } = JSON.parse(line) as { msg?: string; err?: { message?: string } };
    return [msg, err?.message].filter((part) => part !== undefined && part !== '').join(': ');
  } catch {
    return line.slice(0, 300);
  }
}
