/** The outside world of the command line. Commands take it as a parameter, so that tests can pass their own. */
import { homedir } from 'node:os';

export type Terminal = {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Directory that relative paths start from. */
  readonly cwd: string;
  readonly home: string;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };
  /** Writes results. */
  out(text: string): void;
  /** Writes messages: progress, warnings, errors. */
  err(text: string): void;
  /** Calls the listener on every SIGINT, SIGTERM and SIGHUP, instead of ending. Returns a function that stops this. */
  onSignal(listener: (signal: NodeJS.Signals) => void): () => void;
};

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The terminal of this process. */
export function processTerminal(): Terminal {
  // A reader that has closed the pipe (`skerry fn list | head -1`) is not a fault.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return {
    env: process.env,
    cwd: process.cwd(),
    home: homedir(),
    stdin: process.stdin,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    onSignal(listener) {
      for (const signal of stopSignals) process.on(signal, listener);
      return () => {
        for (const signal of stopSignals) process.off(signal, listener);
      };
    },
  };
}
