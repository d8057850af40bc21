/** Real processes of ours, watched by the lines of their logs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** A line of a process's log; a line that is not JSON stands under `msg`. */
export type LogLine = { readonly msg?: string; readonly [key: string]: unknown };

export type Watched = {
  readonly pid: number;
  readonly child: ChildProcess;
  /** All lines so far, stdout and stderr. */
  readonly lines: readonly LogLine[];
  /** The first fitting line from `after` on; rejects when the process ends before. */
  line(fits: (line: LogLine) => boolean, after?: number): Promise<LogLine>;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  /** Sends the signal and waits for the end; SIGTERM by default. */
  stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>;
};

const keptLines = 5_000;

/** Starts `script` with Node and exactly this environment, plus PATH and HOME. */
export function startProcess(script: URL, env: Readonly<Record<string, string | undefined>>): Watched {
  return startCommand(process.execPath, [script.pathname], env);
}

/** The same for any program. */
export function startCommand(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): Watched {
  const { PATH, HOME } = process.env;
  const child = spawn(command, args, {
    env: Object.fromEntries(Object.entries({ PATH, HOME, ...env }).filter(([, value]) => value !== undefined)),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: LogLine[] = [];
  const watchers = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (text) => {
      if (lines.length < keptLines) lines.push(parse(text));
      for (const look of watchers) look();
    });
  }
  const exited = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  void exited.then(() => {
    for (const look of watchers) look();
  });
  const ended = () => child.exitCode !== null || child.signalCode !== null;

  return {
    pid: child.pid ?? -1,
    child,
    lines,
    exited,
    line: (fits, after = 0) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = lines.slice(after).find(fits);
          if (!found && !ended()) return;
          watchers.delete(look);
          if (found) resolve(found);
          else reject(new Error(`the process ended first; its last lines: ${JSON.stringify(lines.slice(-5))}`));
        };
        watchers.add(look);
        look();
      }),
    async stop(signal = 'SIGTERM') {
      if (!ended()) child.kill(signal);
      return exited;
    },
  };
}

function parse(text: string): LogLine {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as LogLine;
  } catch {
    // not JSON: a line for people
  }
  return { msg: text.slice(0, 2_000) };
}

/** Pids of the living processes that this one has started. */
export function findChildren(pid: number): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && statusField(Number(entry), 'PPid') === pid)
    .map(Number);
}

/** A number out of /proc/PID/status; 0 when the process is gone. Memory is in KiB there. */
export function statusField(pid: number, name: string): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}
