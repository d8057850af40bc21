/** Options of `skerry fn deploy` that make up a manifest (shared/function/manifest.ts has their meaning and limits). */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Manifest, ManifestInput } from '@skerry/shared/function/manifest.ts';
import { type Command, Option } from 'commander';
import { CliFailure } from '../terminal/failure.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { type CapabilityOptions, capabilityChanges, withCapabilityOptions } from './capability-options.ts';
import { collectPair, collectValue, type Pairs } from './pairs.ts';
import { parseCount, parseDuration, parseSize } from './units.ts';

export type ManifestOptions = CapabilityOptions & {
  manifest?: string;
  memory?: number;
  timeout?: number;
  inputBytes?: number;
  outputBytes?: number;
  bodyBytes?: number;
  keyvalueBytes?: number;
  logRate?: number;
  concurrency?: number;
  env?: Pairs;
  arg?: readonly string[];
  tag?: string;
  capacity?: number;
  label?: Pairs;
  reuse?: boolean;
};

export function withManifestOptions(command: Command): Command {
  const limited = command
    .option('--manifest <file>', 'manifest as JSON; says everything that the options below do not')
    .option('--memory <size>', 'most memory of one instance, such as 64MiB', parseSize)
    .option('--timeout <time>', 'longest time of one invocation, such as 30s', parseDuration)
    .option('--input-bytes <size>', 'longest input, where it is held whole', parseSize)
    .option('--output-bytes <size>', 'longest output, where it is held whole', parseSize)
    .option('--body-bytes <size>', 'longest body of an HTTP function, each way', parseSize)
    .option('--concurrency <n>', 'invocations at one time on one agent', parseCount)
    .option('--log-rate <size>', 'what it may log per second, such as 16KiB', parseSize)
    .option('--keyvalue-bytes <size>', 'what it may keep through wasi:keyvalue on one agent', parseSize)
    .option('--env <key=value>', 'environment variable; may be given several times', collectPair)
    .option('--arg <value>', 'argument of a command; may be given several times', collectValue)
    .option('--label <key=value>', 'run only on agents with this label; may be given several times', collectPair)
    .option('--tag <tag>', 'tag that scheduling policies can refer to')
    .option('--capacity <size>', 'memory to reserve for one invocation when choosing an agent', parseSize)
    .addOption(new Option('--reuse', 'let one instance serve many invocations: faster, state leaks between them'))
    .option('--no-reuse', 'a fresh instance for each invocation');
  return withCapabilityOptions(limited);
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
  const changes = { ...changesOf(options), ...capabilityChanges(options, base?.capabilities) };
  if (options.manifest === undefined && Object.keys(changes).length === 0) return undefined;
  const merged: ManifestInput = { ...base, ...changes, limits: { ...base?.limits, ...changes.limits } };
  const { manifestSchema } = await import('@skerry/shared/function/manifest.ts');
  const checked = manifestSchema.safeParse(merged);
  if (checked.success) return checked.data;
  throw new CliFailure('usage', `manifest: ${checked.error.issues.map(describe).join('; ')}`);
}

function changesOf(options: ManifestOptions): NonNullable<ManifestInput> {
  const { env, arg, tag, capacity, label, reuse } = options;
  const limits = {
    ...(options.memory === undefined ? {} : { memory_bytes: options.memory }),
    ...(options.timeout === undefined ? {} : { timeout_ms: options.timeout }),
    ...(options.inputBytes === undefined ? {} : { input_bytes: options.inputBytes }),
    ...(options.outputBytes === undefined ? {} : { output_bytes: options.outputBytes }),
    ...(options.bodyBytes === undefined ? {} : { body_bytes: options.bodyBytes }),
    ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
    ...(options.logRate === undefined ? {} : { log_bytes_per_second: options.logRate }),
    ...(options.keyvalueBytes === undefined ? {} : { keyvalue_bytes: options.keyvalueBytes }),
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
