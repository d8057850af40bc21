/**
 * The processes of one run. Each has a log file, and leads a process group of its own: Ctrl-C in the terminal reaches
 * only the run, which then ends them in order, the last one started first.
 *
 * Invariant: no process outlives the run. When the run is killed, its guard ends the processes (guard.ts).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export type ChildOptions = {
  /** For messages, and the name of the log file: `control-plane`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Gets each line of standard output. Without it, they go to the log. */
  readonly onLine?: (line: string) => void;
};

export type Child = {
  readonly name: string;
  readonly running: boolean;
  /** Ends its process group: with SIGTERM and, after a grace time, SIGKILL, or at once. Resolves when it has ended. */
  stop(how?: 'gently' | 'at once'): Promise<void>;
};

export type Children = {
  /** @throws Error when it cannot be started */
  start(options: ChildOptions): Promise<Child>;
  /** Rejects with the last lines of its log when a child ends that the run has not stopped. */
  readonly lost: Promise<never>;
  endAll(how: 'gently' | 'at once'): Promise<void>;
};

const stopGraceMs = 15_000;
const shownLines = 8;

/** @param logs an existing folder */
export function startChildren(logs: string): Children {
  const guard = spawn(process.execPath, [fileURLToPath(new URL('./guard.ts', import.meta.url))], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const guardEnded = once(guard, 'exit');
  const children: Child[] = [];
  const { promise: lost, reject: lose } = Promise.withResolvers<never>();
  lost.catch(() => undefined);
  // The guard has ended, so it gets no lines. Its end is reported like that of any other child.
  guard.stdin.on('error', () => undefined);
  let ending = false;
  guardEnded.then(
    () => ending || lose(new Error('the guard of this run ended')),
    (error: Error) => lose(error),
  );

  return {
    lost,
    async start({ name, command, args, env, onLine }) {
      if (ending) throw new Error('the run is ending, and starts no further process');
      const logFile = join(logs, `${name}.log`);
      const log = openSync(logFile, 'a', 0o600);
      const child = spawn(command, args, {
        env,
        detached: true,
        stdio: ['ignore', onLine ? 'pipe' : log, log],
      });
      closeSync(log);
      const spawned = once(child, 'spawn');
      let stopping = false;
      const ended = once(child, 'exit').then(([code, signal]) => {
        guard.stdin.write(`-${child.pid}\n`);
        if (!stopping) lose(new Error(`the ${name} ended (${signal ?? `exit code ${code}`})${lastLines(logFile)}`));
      });
      ended.catch(() => undefined);
      const isRunning = () => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
      const kill = () => void process.kill(-(child.pid as number), 'SIGKILL');
      const started: Child = {
        name,
        get running() {
          return isRunning();
        },
        async stop(how = 'gently') {
          stopping = true;
          if (!isRunning()) return;
          if (how === 'at once') kill();
          else child.kill('SIGTERM');
          const timer = setTimeout(kill, stopGraceMs);
          await ended.finally(() => clearTimeout(timer));
        },
      };
      children.push(started);
      if (child.pid !== undefined) guard.stdin.write(`+${child.pid}\n`);
      if (onLine && child.stdout) createInterface({ input: child.stdout }).on('line', onLine);
      await spawned.catch((cause: Error) => {
        throw new Error(`cannot start ${command}: ${cause.message}`, { cause });
      });
      return started;
    },
    async endAll(how) {
      ending = true;
      for (const child of children.toReversed()) await child.stop(how);
      guard.stdin.end();
      await guardEnded.catch(() => undefined);
    },
  };
}

function lastLines(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-shownLines);
  return `; the last lines of ${logFile}:\n${lines.map((line) => `  ${line.slice(0, 300)}`).join('\n')}`;
}
