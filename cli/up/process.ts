/** Starts the two processes of Skerry from the command line. Their settings are environment variables only. */
import { fileURLToPath } from 'node:url';
import type { Terminal } from '../terminal/terminal.ts';

/** Entry points, resolved like imports. This package does not load them. */
export type EntryPoint = '@skerry/control-plane/main.ts' | '@skerry/edge-agent/main.ts';

export type ProcessEnvironment = Readonly<Record<string, string | undefined>>;

/** Names for the command line alone. Both processes refuse SKERRY_ names that they do not know. */
const ownNames: ReadonlySet<string> = new Set(['SKERRY_TOKEN', 'SKERRY_CONFIG', 'NODE_COMPILE_CACHE']);

/** Path of an entry point's file. */
export function entryPointPath(entryPoint: EntryPoint): string {
  return fileURLToPath(import.meta.resolve(entryPoint));
}

/** Merges `settings` into `base` without this program's own names. An undefined setting changes nothing. */
export function toEnvironment(base: ProcessEnvironment, settings: ProcessEnvironment): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const source of [base, settings]) {
    for (const [name, value] of Object.entries(source)) {
      if (value !== undefined && !ownNames.has(name)) environment[name] = value;
    }
  }
  return environment;
}

/**
 * Replaces this process by another program of Skerry (execve). That program gets signals and standard streams and sets
 * the exit code itself, and a small device has no second Node in memory.
 */
export function become(entryPoint: EntryPoint, terminal: Terminal, settings: ProcessEnvironment): void {
  if (process.execve === undefined) throw new Error('this system cannot replace a process by another');
  process.execve(
    process.execPath,
    [process.execPath, entryPointPath(entryPoint)],
    toEnvironment(terminal.env, settings),
  );
}
