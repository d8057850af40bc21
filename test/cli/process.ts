/** The command line as a real process, watched by its output. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export type CliProcess = {
  readonly pid: number;
  readonly out: string;
  readonly err: string;
  /** Resolves when the process has printed this on either stream; rejects when it ends before. */
  printed(pattern: RegExp): Promise<void>;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  kill(signal: NodeJS.Signals): void;
};

const main = fileURLToPath(import.meta.resolve('@skerry/cli/main.ts'));

/** Starts `skerry` with these arguments. Its environment has only these variables, PATH and HOME. */
export function startCli(argv: readonly string[], cwd: string, env: Record<string, string> = {}): CliProcess {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [main, ...argv], {
    cwd,
    env: { PATH, HOME: cwd, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed = { out: '', err: '' };
  const watchers = new Set<() => void>();
  const look = () => {
    for (const watcher of watchers) watcher();
  };
  child.stdout.on('data', (chunk: Buffer) => {
    printed.out += chunk;
    look();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    printed.err += chunk;
    look();
  });
  let ended = false;
  const exited = once(child, 'close').then(([code, signal]) => {
    ended = true;
    look();
    return (code ?? signal) as number | NodeJS.Signals;
  });
  return {
    pid: child.pid ?? -1,
    get out() {
      return printed.out;
    },
    get err() {
      return printed.err;
    },
    exited,
    kill: (signal) => void child.kill(signal),
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const watcher = () => {
          const found = pattern.test(printed.out) || pattern.test(printed.err);
          if (!found && !ended) return;
          watchers.delete(watcher);
          if (found) resolve();
          else reject(new Error(`it ended without printing ${pattern}:\n${printed.out}${printed.err}`));
        };
        watchers.add(watcher);
        watcher();
      }),
  };
}
