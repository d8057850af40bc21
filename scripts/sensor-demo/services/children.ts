/**
 * The processes of one run, each with a log file, each leading a process group of its own: Ctrl-C in the terminal
 * reaches the run alone, which then ends them in order, the last one started first.
 *
 * Invariant: none of them outlives the run. A guard beside it ends them when the run is killed (guard.ts).
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
  /** Gets each line of standard output, which goes to the log otherwise. */
  readonly onLine?: (line: string) => void;
};

export type Child = {
  readonly name: string;
  readonly running: boolean;
  /** Ends its process group: with SIGTERM and, after a grace time, SIGKILL; or at once. Resolves when it is gone. */
  stop(how?: 'gently' | 'at once'): Promise<void>;
};

export type Children = {
  /** @throws Error when it cannot be started */
  start(options: ChildOptions): Promise<Child>;
  /** Rejects when a child ends that nobody has stopped, with the last lines of its log. */
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
  // Without a guard there is nobody to tell, and its end is told as any other's.
  guard.stdin.on('error', () => undefined);
  let ending = false;
  guardEnded.then(
    () => ending || lose(new Error('the guard of this run ended')),
    (error: Error) => lose(error),
  );

  return {
    lost,
    async start({ name, command, args, env, onLine }) {
      if (ending) throw new Error('nothing is started any more');
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
