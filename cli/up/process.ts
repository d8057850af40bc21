/** Starting the two processes of Skerry from the command line. Their settings go by environment only. */
import { fileURLToPath } from 'node:url';
import type { Terminal } from '../terminal/terminal.ts';

/** Entry points, resolved like imports; this package does not load them. */
export type EntryPoint = '@skerry/control-plane/main.ts' | '@skerry/edge-agent/main.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Names that this command line reads itself; both processes refuse SKERRY_ names that they do not know. */
const ownNames: ReadonlySet<string> = new Set(['SKERRY_TOKEN', 'SKERRY_CONFIG', 'NODE_COMPILE_CACHE']);

/** Path of an entry point's file. */
export function entryPointPath(entryPoint: EntryPoint): string {
  return fileURLToPath(import.meta.resolve(entryPoint));
}

/** The given environment without this program's own names, with `settings` on top; undefined ones leave it as it is. */
export function toEnvironment(base: Environment, settings: Environment): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const source of [base, settings]) {
    for (const [name, value] of Object.entries(source)) {
      if (value !== undefined && !ownNames.has(name)) environment[name] = value;
    }
  }
  return environment;
}

/**
 * Replaces this process by another program of Skerry (execve): signals, standard streams and the exit code are then
 * its own, with nothing in between that could lose them, and no second Node in memory on a small device.
 */
export function become(entryPoint: EntryPoint, terminal: Terminal, settings: Environment): void {
  if (process.execve === undefined) throw new Error('this system cannot replace a process by another');
  process.execve(
    process.execPath,
    [process.execPath, entryPointPath(entryPoint)],
    toEnvironment(terminal.env, settings),
  );
}
