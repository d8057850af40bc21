/** Options of `skerry fn deploy` that make up a manifest (shared/manifest.ts has their meaning and limits). */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Manifest, type ManifestInput, manifestSchema } from '@skerry/shared/manifest.ts';
import { type Command, Option } from 'commander';
import { CliFailure } from './failure.ts';
import { collectPair, collectValue, type Pairs } from './pairs.ts';
import type { Terminal } from './terminal.ts';
import { parseDuration, parseSize } from './units.ts';

export type ManifestOptions = {
  manifest?: string;
  memory?: number;
  timeout?: number;
  env?: Pairs;
  arg?: readonly string[];
  tag?: string;
  capacity?: number;
  label?: Pairs;
  reuse?: boolean;
};

export function withManifestOptions(command: Command): Command {
  return command
    .option('--manifest <file>', 'manifest as JSON; says everything that the options below do not')
    .option('--memory <size>', 'most memory of one instance, such as 64MiB', parseSize)
    .option('--timeout <time>', 'longest time of one invocation, such as 30s', parseDuration)
    .option('--env <key=value>', 'environment variable; may be given several times', collectPair)
    .option('--arg <value>', 'argument of a command; may be given several times', collectValue)
    .option('--label <key=value>', 'run only on agents with this label; may be given several times', collectPair)
    .option('--tag <tag>', 'tag that scheduling policies can refer to')
    .option('--capacity <size>', 'memory to reserve for one invocation when choosing an agent', parseSize)
    .addOption(new Option('--reuse', 'let one instance serve many invocations: faster, state leaks between them'))
    .option('--no-reuse', 'a fresh instance for each invocation');
}

/**
 * The manifest to send. With a file, the file and the options on top; else the current one and the options on top;
 * with neither file nor options, undefined. @throws CliFailure when the result is no manifest
 */
export async function readManifest(
  terminal: Terminal,
  options: ManifestOptions,
  current: Manifest | undefined,
): Promise<ManifestInput | undefined> {
  const base = options.manifest === undefined ? current : await readFileManifest(terminal, options.manifest);
  const changes = changesOf(options);
  if (options.manifest === undefined && Object.keys(changes).length === 0) return undefined;
  const merged: ManifestInput = { ...base, ...changes, limits: { ...base?.limits, ...changes.limits } };
  const checked = manifestSchema.safeParse(merged);
  if (checked.success) return checked.data;
  throw new CliFailure('usage', `manifest: ${checked.error.issues.map(describe).join('; ')}`);
}

function changesOf({
  memory,
  timeout,
  env,
  arg,
  tag,
  capacity,
  label,
  reuse,
}: ManifestOptions): NonNullable<ManifestInput> {
  const limits = {
    ...(memory === undefined ? {} : { memory_bytes: memory }),
    ...(timeout === undefined ? {} : { timeout_ms: timeout }),
  };
  return {
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    ...(env === undefined ? {} : { env }),
    ...(arg === undefined ? {} : { args: [...arg] }),
    ...(tag === undefined ? {} : { tag }),
    ...(capacity === undefined ? {} : { capacity_bytes: capacity }),
    ...(label === undefined ? {} : { placement: { labels: label } }),
    ...(reuse === undefined ? {} : { instance: reuse ? ('reuse' as const) : ('fresh' as const) }),
  };
}

async function readFileManifest({ cwd }: Terminal, file: string): Promise<NonNullable<ManifestInput>> {
  try {
    const value: unknown = JSON.parse(await readFile(resolve(cwd, file), 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (cause) {
    throw new CliFailure('usage', `cannot read manifest ${file}: ${(cause as Error).message}`, { cause });
  }
  throw new CliFailure('usage', `manifest ${file} is not a JSON object`);
}

function describe({ path, message }: { path: PropertyKey[]; message: string }): string {
  return path.length === 0 ? message : `${path.join('.')}: ${message}`;
}
