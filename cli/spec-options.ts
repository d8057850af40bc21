/**
 * Triggers and sinks as the command line gives them: `{"type", "params"}` out of `--set key=value`, or a file. A value
 * that is JSON is taken as such, another one as text. Credentials are not taken as arguments, which every user of the
 * machine can read: they are secrets, or in a file.
 */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { CliFailure } from './failure.ts';
import { collectPair, type Pairs } from './pairs.ts';
import type { Terminal } from './terminal.ts';

export type SpecOptions = { readonly set?: Pairs; readonly file?: string };
export type Spec = { readonly type: string; readonly params: Readonly<Record<string, unknown>> };

const credentials = /^(?:password|token|tls\.key)$/;

export function withSpecOptions(command: Command): Command {
  return command
    .option('--set <key=value>', 'a parameter; a dot goes one level down, as tls.ca=…', collectPair)
    .option('--file <path>', 'JSON with the parameters, for those that --set does not name');
}

/** @throws CliFailure when there is a credential among the arguments, or the file cannot be read */
export async function readSpec(terminal: Terminal, type: string, { set = {}, file }: SpecOptions): Promise<Spec> {
  const params = file === undefined ? {} : await readParams(resolve(terminal.cwd, file));
  for (const [key, value] of Object.entries(set)) {
    if (credentials.test(key)) {
      throw new CliFailure(
        'usage',
        `${key} does not belong on a command line: use skerry secret set NAME and --set ${key}_secret=NAME, or --file`,
      );
    }
    place(params, key.split('.'), jsonOrText(value));
  }
  return { type, params };
}

type Params = Record<string, unknown>;

async function readParams(path: string): Promise<Params> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Params;
  } catch (cause) {
    throw new CliFailure('usage', `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
  throw new CliFailure('usage', `${path} must be a JSON object`);
}

function place(params: Params, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    params[key] = value;
    return;
  }
  const inner = Object.hasOwn(params, key) ? params[key] : undefined;
  const next: Params = typeof inner === 'object' && inner !== null ? (inner as Params) : {};
  params[key] = next;
  place(next, rest, value);
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
