/**
 * Reads triggers and sinks, `{"type", "params"}`, from `--set key=value` or from a file. A value is JSON when it can be
 * parsed, otherwise text. A number is text, too, unless the key takes numbers: a username may be `12345`, and MQTT's
 * version is `5`. Credentials are refused as arguments, which every user of the machine can read. They are secrets, or
 * in a file.
 */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { CliFailure } from '../terminal/failure.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { collectPair, type Pairs } from './pairs.ts';

export type SpecOptions = { readonly set?: Pairs; readonly file?: string };
export type Spec = { readonly type: string; readonly params: Readonly<Record<string, unknown>> };

const credentials = /^(?:password|token|tls\.key)$/;
const numeric = /^(?:port|qos|concurrency|max_pending|retry\..*|args(?:\..*)?)$/;

export function withSpecOptions(command: Command): Command {
  return command
    .option('--set <key=value>', 'a parameter; a dot goes one level down, such as tls.ca=…', collectPair)
    .option('--file <path>', 'JSON file with parameters; --set overrides them');
}

/**
 * @param current parameters that stay unless `--set` or the file changes them
 * @throws CliFailure when an argument is a credential, or the file cannot be read
 */
export async function readSpec(
  terminal: Terminal,
  type: string,
  { set = {}, file }: SpecOptions,
  current: Spec['params'] = {},
): Promise<Spec> {
  const fromFile = file === undefined ? {} : await readParams(resolve(terminal.cwd, file));
  const params: Params = { ...structuredClone(current), ...fromFile };
  for (const [key, value] of Object.entries(set)) {
    const parsed = parseValue(key, value);
    const credential = findCredential(key, parsed);
    if (credential !== undefined) {
      throw new CliFailure(
        'usage',
        `${credential} must not be on a command line: ` +
          `use skerry secret set NAME and --set ${credential}_secret=NAME, or --file`,
      );
    }
    setParam(params, key.split('.'), parsed);
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

function setParam(params: Params, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    params[key] = value;
    return;
  }
  const inner = Object.hasOwn(params, key) ? params[key] : undefined;
  const next: Params = typeof inner === 'object' && inner !== null ? (inner as Params) : {};
  params[key] = next;
  setParam(next, rest, value);
}

/** The key of a credential in this parameter, or within its value. */
function findCredential(key: string, value: unknown): string | undefined {
  if (credentials.test(key)) return key;
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value)
    .map(([inner, part]) => findCredential(`${key}.${inner}`, part))
    .find((found) => found !== undefined);
}

function parseValue(key: string, text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'number' && !numeric.test(key) ? text : value;
  } catch {
    return text;
  }
}
