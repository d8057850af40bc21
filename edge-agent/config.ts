/**
 * Turns the agent's environment into a complete, typed configuration. It reports all faults together. An unknown
 * SKERRY_ name is a fault.
 */

import { readFileSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { isAbsolute, normalize } from 'node:path';
import { cliEnvironmentNames } from '@skerry/shared/cli-settings.ts';
import { ConfigError } from '@skerry/shared/config-error.ts';
import { type Labels, labelsSchema, namePattern } from '@skerry/shared/function/names.ts';

export const environmentNames = [
  'SKERRY_SERVER',
  'SKERRY_JOIN_TOKEN',
  'SKERRY_JOIN_TOKEN_FILE',
  'SKERRY_DATA',
  'SKERRY_NAME',
  'SKERRY_LABELS',
  'SKERRY_THREADS',
  'SKERRY_QUEUE',
  'SKERRY_IDLE_MS',
  'SKERRY_FUNCTION_MEMORY_MB',
  'SKERRY_HANDSHAKE_TIMEOUT_MS',
  'SKERRY_DRAIN_MS',
  'SKERRY_METRICS_PORT',
  'SKERRY_DIRECTORIES',
  'SKERRY_OUTBOX_MB',
  'SKERRY_LOG_LEVEL',
] as const;

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export type AgentConfig = {
  readonly server: URL;
  /** The agent needs it on first contact only. */
  readonly joinToken: string | undefined;
  /** Folder of the agent's files. */
  readonly data: string;
  readonly name: string;
  readonly labels: Labels;
  /** Threads of the runner. */
  readonly threads: number;
  /** Invocations that may wait for a thread. */
  readonly queue: number;
  /** Milliseconds without use after which the agent drops compiled code, threads and the runner. */
  readonly idleMs: number;
  /** Most memory of all functions together, in MiB. Undefined means half of the device's memory. */
  readonly functionMemoryMb: number | undefined;
  readonly handshakeTimeoutMs: number;
  /** Milliseconds that running invocations may take after a signal to stop. */
  readonly drainMs: number;
  /** Local port for /metrics. Undefined means no port, and 0 means any free port. */
  readonly metricsPort: number | undefined;
  /** Absolute paths of the directories that a manifest may grant to its function, with their contents. */
  readonly directories: readonly string[];
  /** Most disk space of events, and of outcomes that the control plane does not have yet, in MiB. */
  readonly outboxMb: number;
  readonly logLevel: (typeof logLevels)[number];
};

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws ConfigError */
export function readConfig(env: Environment): AgentConfig {
  const faults: string[] = [];
  const known = new Set<string>([...environmentNames, ...cliEnvironmentNames]);
  for (const name of Object.keys(env)) {
    if (name.startsWith('SKERRY_') && !known.has(name)) faults.push(`${name}: no such setting`);
  }
  const text = (name: (typeof environmentNames)[number]) => env[name]?.trim() || undefined;
  const whole = <T>(name: (typeof environmentNames)[number], min: number, max: number, absent: T) => {
    const value = text(name);
    if (value === undefined) return absent;
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= min && number <= max) return number;
    faults.push(`${name}: must be a whole number from ${min} to ${max}`);
    return absent;
  };

  const threads = Math.max(1, Math.min(4, availableParallelism()));
  const config: AgentConfig = {
    server: readServer(text('SKERRY_SERVER'), faults),
    joinToken: readToken(text('SKERRY_JOIN_TOKEN'), text('SKERRY_JOIN_TOKEN_FILE'), faults),
    data: text('SKERRY_DATA') ?? '.skerry/agent',
    name: readName(text('SKERRY_NAME'), faults),
    labels: readLabels(text('SKERRY_LABELS'), faults),
    threads: whole('SKERRY_THREADS', 1, 64, threads),
    queue: whole('SKERRY_QUEUE', 0, 100_000, 1_000),
    idleMs: whole('SKERRY_IDLE_MS', 100, 86_400_000, 300_000),
    functionMemoryMb: whole('SKERRY_FUNCTION_MEMORY_MB', 64, 1_048_576, undefined),
    handshakeTimeoutMs: whole('SKERRY_HANDSHAKE_TIMEOUT_MS', 100, 600_000, 10_000),
    drainMs: whole('SKERRY_DRAIN_MS', 0, 600_000, 10_000),
    metricsPort: whole('SKERRY_METRICS_PORT', 0, 65_535, undefined),
    directories: readDirectories(text('SKERRY_DIRECTORIES'), faults),
    outboxMb: whole('SKERRY_OUTBOX_MB', 16, 1_048_576, 256),
    logLevel: readLogLevel(text('SKERRY_LOG_LEVEL'), faults),
  };
  if (faults.length > 0) throw new ConfigError(faults);
  return config;
}

function readServer(value: string | undefined, faults: string[]): URL {
  const url = URL.parse(value ?? 'http://127.0.0.1:4000');
  if (url && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  faults.push(`SKERRY_SERVER: must be an http:// or https:// address${suggestServer(value)}`);
  return new URL('http://invalid');
}

/** @returns advice for the address of a WebSocket, which the agent derives from the HTTP address; empty for others */
function suggestServer(value: string | undefined): string {
  const [, secure, rest] = /^ws(s?):(.*)$/i.exec(value ?? '') ?? [];
  return rest === undefined ? '' : `; use http${secure?.toLowerCase()}:${rest}`;
}

function readToken(token: string | undefined, file: string | undefined, faults: string[]): string | undefined {
  if (token || !file) return token;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    // The agent needs a token on first contact only. Later, the file of the used token may be gone.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      faults.push(`SKERRY_JOIN_TOKEN_FILE: ${(error as Error).message}`);
    }
    return undefined;
  }
}

function readName(value: string | undefined, faults: string[]): string {
  const name = value ?? (hostname().split('.', 1)[0] || 'agent');
  if (!namePattern.test(name)) faults.push('SKERRY_NAME: must be 1 to 63 letters, digits, "_" or inner "-"');
  return name;
}

function readLabels(value: string | undefined, faults: string[]): Labels {
  const pairs = (value ?? '').split(',').filter((pair) => pair.trim() !== '');
  const entries = pairs.map((pair) => {
    const at = pair.indexOf('=');
    return at === -1 ? [pair.trim(), ''] : [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
  });
  const labels = labelsSchema.safeParse(Object.fromEntries(entries));
  if (labels.success) return labels.data;
  faults.push(`SKERRY_LABELS: must be name=value,name=value (${labels.error.issues[0]?.message})`);
  return {};
}

function readDirectories(value: string | undefined, faults: string[]): string[] {
  const paths = (value ?? '').split(':').filter((path) => path !== '');
  const fits = paths.every((path) => isAbsolute(path) && normalize(path) === path);
  if (fits) return paths.map((path) => (path === '/' ? path : path.replace(/\/$/, '')));
  faults.push('SKERRY_DIRECTORIES: must be absolute paths without . or .., with colons between them');
  return [];
}

function readLogLevel(value: string | undefined, faults: string[]): AgentConfig['logLevel'] {
  const level = logLevels.find((known) => known === (value ?? 'info'));
  if (!level) faults.push(`SKERRY_LOG_LEVEL: must be one of ${logLevels.join(', ')}`);
  return level ?? 'info';
}
