/** Options of `skerry fn deploy` for the manifest (shared/function/manifest.ts has their meaning and limits). */
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
    .option('--manifest <file>', 'manifest as JSON; the options below override its fields')
    .option('--memory <size>', 'maximum memory of one instance, such as 64MiB', parseSize)
    .option('--timeout <time>', 'maximum time of one invocation, such as 30s', parseDuration)
    .option('--input-bytes <size>', 'maximum input, unless it is streamed', parseSize)
    .option('--output-bytes <size>', 'maximum output, unless it is streamed', parseSize)
    .option('--body-bytes <size>', 'maximum body of an HTTP function, each way', parseSize)
    .option('--concurrency <n>', 'maximum of concurrent invocations on one agent', parseCount)
    .option('--log-rate <size>', 'maximum of log output per second, such as 16KiB', parseSize)
    .option('--keyvalue-bytes <size>', 'maximum of wasi:keyvalue data on one agent', parseSize)
    .option('--env <key=value>', 'environment variable; may be given several times', collectPair)
    .option('--arg <value>', 'argument of a command; may be given several times', collectValue)
    .option('--label <key=value>', 'run only on agents with this label; may be given several times', collectPair)
    .option('--tag <tag>', 'tag for scheduling policies')
    .option('--capacity <size>', 'memory to reserve for one invocation when choosing an agent', parseSize)
    .addOption(new Option('--reuse', 'let one instance serve many invocations: faster, state leaks between them'))
    .option('--no-reuse', 'a fresh instance for each invocation');
  return withCapabilityOptions(limited);
}

/**
 * The manifest to send: the options on top of the file, or of the current manifest without a file. Undefined without a
 * file and without options. @throws CliFailure when the result is not a valid manifest
 */
export async function readManifest(
  terminal: Terminal,
  options: ManifestOptions,
  current: Manifest | undefined,
): Promise<ManifestInput | undefined> {
  const base = options.manifest === undefined ? current : await readFileManifest(terminal, options.manifest);
  const changes = { ...toChanges(options), ...capabilityChanges(options, base?.capabilities) };
  if (options.manifest === undefined && Object.keys(changes).length === 0) return undefined;
  const merged: ManifestInput = { ...base, ...changes, limits: { ...base?.limits, ...changes.limits } };
  const { manifestSchema } = await import('@skerry/shared/function/manifest.ts');
  const checked = manifestSchema.safeParse(merged);
  if (checked.success) return checked.data;
  throw new CliFailure('usage', `manifest: ${checked.error.issues.map(describe).join('; ')}`);
}

function toChanges(options: ManifestOptions): NonNullable<ManifestInput> {
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
