/**
 * Turns the environment into a complete, typed configuration, in one pure step. Unknown names and values that do not
 * parse are faults, and all faults are reported together. No fault silently becomes a default.
 */

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { cliEnvironmentNames } from '@skerry/shared/cli-settings.ts';
import { ConfigError } from '@skerry/shared/config-error.ts';
import type { DatabaseSettings } from '../db/open.ts';
import { type LogLevel, logLevels } from '../log/log.ts';

export type Config = {
  /** TCP port; 0 takes a free one. */
  readonly port: number;
  readonly host: string;
  /** Directory of everything that this process stores on disk. */
  readonly dataDirectory: string;
  readonly database: DatabaseSettings;
  /** Token of the subject `admin`; absent: one is created at the first start. */
  readonly adminToken: string | undefined;
  readonly logLevel: LogLevel;
  readonly scrapeIntervalMs: number;
  readonly pingIntervalMs: number;
  readonly statusIntervalMs: number;
  readonly handshakeTimeoutMs: number;
  /** Largest upload in bytes: the whole multipart body. */
  readonly maxUploadBytes: number;
  /** Largest other request body in bytes. */
  readonly maxBodyBytes: number;
  /** How long create and update wait for the agents, unless the request says otherwise. */
  readonly waitForWorkersMs: number;
  readonly prepareTimeoutMs: number;
  readonly prepareMemoryMb: number;
  /** Whether components of WASI 0.3 are accepted. */
  readonly wasi03: boolean;
  /**
   * The only `host:port` names under which agents may know this control plane; empty: any. See
   * tunnel/connect/upgrade.ts.
   */
  readonly tunnelHosts: readonly string[];
  /** How long a shutdown waits for requests in flight. */
  readonly drainMs: number;
  /** How often the database is asked for changes of the catalog by other processes. */
  readonly catalogPollMs: number;
  /** Key that seals credentials, 32 bytes in hex; absent: the one in the data directory. */
  readonly sealingKey: string | undefined;
  /** How long after a crash its work waits before another control plane takes over. */
  readonly leaseMs: number;
  /** Queued invocations that this control plane runs at once. */
  readonly asyncConcurrency: number;
  /** Most queued invocations; a further one is refused with `queue_full`. */
  readonly maxQueued: number;
  /** Most pending deliveries of one sink; see sinks/capacity.ts. */
  readonly maxDeliveries: number;
  /** How long ended invocations and their outcomes are stored. */
  readonly retentionMs: number;
};

const MiB = 1024 * 1024;
const dayMs = 86_400_000;

/** Every environment name that is read. */
export const environmentNames = [
  'PORT',
  'DATABASE_URL',
  'DATABASE_DRIVER',
  'NEON_WS_PROXY',
  'SKERRY_HOST',
  'SKERRY_DATA',
  'SKERRY_ADMIN_TOKEN',
  'SKERRY_LOG_LEVEL',
  'SKERRY_SCRAPE_INTERVAL_MS',
  'SKERRY_PING_INTERVAL_MS',
  'SKERRY_STATUS_INTERVAL_MS',
  'SKERRY_HANDSHAKE_TIMEOUT_MS',
  'SKERRY_MAX_UPLOAD_BYTES',
  'SKERRY_MAX_BODY_BYTES',
  'SKERRY_WAIT_FOR_WORKERS_MS',
  'SKERRY_PREPARE_TIMEOUT_MS',
  'SKERRY_PREPARE_MEMORY_MB',
  'SKERRY_WASI_03',
  'SKERRY_TUNNEL_HOSTS',
  'SKERRY_DRAIN_MS',
  'SKERRY_CATALOG_POLL_MS',
  'SKERRY_SEALING_KEY',
  'SKERRY_SEALING_KEY_FILE',
  'SKERRY_LEASE_MS',
  'SKERRY_ASYNC_CONCURRENCY',
  'SKERRY_MAX_QUEUED',
  'SKERRY_MAX_DELIVERIES',
  'SKERRY_RETENTION_HOURS',
  'SKERRY_SOURCES',
] as const;

type Name = (typeof environmentNames)[number];
export type Environment = Readonly<Record<string, string | undefined>>;

/** @param environment an empty value counts as absent. @throws ConfigError */
export function readConfig(environment: Environment): Config {
  const faults: string[] = [];
  const known: ReadonlySet<string> = new Set([...environmentNames, ...cliEnvironmentNames]);
  for (const name of Object.keys(environment)) {
    if (name.startsWith('SKERRY_') && !known.has(name)) faults.push(`${name} is not a setting`);
  }
  const text = (name: Name) => environment[name] || undefined;
  const integer = (name: Name, fallback: number, min: number, max: number) => {
    const value = text(name);
    if (value === undefined) return fallback;
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= min && number <= max) return number;
    faults.push(`${name} must be a whole number from ${min} to ${max}, not "${value}"`);
    return fallback;
  };
  const adminToken = text('SKERRY_ADMIN_TOKEN');
  if (adminToken !== undefined && !/^[\x21-\x7e]{16,256}$/.test(adminToken)) {
    faults.push('SKERRY_ADMIN_TOKEN must have 16 to 256 characters, none of them a space');
  }
  const logLevel = logLevels.find((level) => level === (text('SKERRY_LOG_LEVEL') ?? 'info'));
  if (!logLevel) faults.push(`SKERRY_LOG_LEVEL must be one of ${logLevels.join(', ')}`);
  const dataDirectory = resolve(text('SKERRY_DATA') ?? '.skerry/control-plane');

  const config: Config = {
    port: integer('PORT', 4000, 0, 65_535),
    host: text('SKERRY_HOST') ?? '127.0.0.1',
    dataDirectory,
    database: databaseSettings(text, dataDirectory, faults),
    adminToken,
    logLevel: logLevel ?? 'info',
    scrapeIntervalMs: integer('SKERRY_SCRAPE_INTERVAL_MS', 5_000, 100, dayMs),
    pingIntervalMs: integer('SKERRY_PING_INTERVAL_MS', 10_000, 10, 600_000),
    statusIntervalMs: integer('SKERRY_STATUS_INTERVAL_MS', 10_000, 10, 600_000),
    handshakeTimeoutMs: integer('SKERRY_HANDSHAKE_TIMEOUT_MS', 5_000, 10, 600_000),
    maxUploadBytes: integer('SKERRY_MAX_UPLOAD_BYTES', 64 * MiB, 1024, 512 * MiB),
    maxBodyBytes: integer('SKERRY_MAX_BODY_BYTES', 4 * MiB, 1024, 512 * MiB),
    waitForWorkersMs: integer('SKERRY_WAIT_FOR_WORKERS_MS', 5_000, 0, 60_000),
    prepareTimeoutMs: integer('SKERRY_PREPARE_TIMEOUT_MS', 60_000, 100, 600_000),
    prepareMemoryMb: integer('SKERRY_PREPARE_MEMORY_MB', 1_024, 64, 65_536),
    wasi03: integer('SKERRY_WASI_03', 0, 0, 1) === 1,
    tunnelHosts: (text('SKERRY_TUNNEL_HOSTS') ?? '')
      .split(',')
      .map((host) => host.trim())
      .filter((host) => host !== ''),
    drainMs: integer('SKERRY_DRAIN_MS', 10_000, 0, 600_000),
    catalogPollMs: integer('SKERRY_CATALOG_POLL_MS', 2_000, 10, 600_000),
    sealingKey: sealingKeyOf(text('SKERRY_SEALING_KEY'), text('SKERRY_SEALING_KEY_FILE'), faults),
    leaseMs: integer('SKERRY_LEASE_MS', 10_000, 1_000, 600_000),
    asyncConcurrency: integer('SKERRY_ASYNC_CONCURRENCY', 32, 1, 1_000),
    maxQueued: integer('SKERRY_MAX_QUEUED', 100_000, 1, 10_000_000),
    maxDeliveries: integer('SKERRY_MAX_DELIVERIES', 1_000_000, 1, 100_000_000),
    retentionMs: integer('SKERRY_RETENTION_HOURS', 168, 1, 87_600) * 3_600_000,
  };
  if (faults.length > 0) throw new ConfigError(faults);
  return config;
}

function sealingKeyOf(key: string | undefined, file: string | undefined, faults: string[]): string | undefined {
  let value = key;
  if (value === undefined && file !== undefined) {
    try {
      value = readFileSync(file, 'utf8').trim();
    } catch (error) {
      faults.push(`SKERRY_SEALING_KEY_FILE: ${(error as Error).message}`);
      return undefined;
    }
  }
  if (value === undefined || /^[0-9a-f]{64}$/i.test(value)) return value;
  faults.push('SKERRY_SEALING_KEY must be 32 bytes in hex');
  return undefined;
}

function databaseSettings(
  text: (name: Name) => string | undefined,
  dataDirectory: string,
  faults: string[],
): DatabaseSettings {
  const url = text('DATABASE_URL');
  const driver = text('DATABASE_DRIVER');
  const proxy = text('NEON_WS_PROXY');
  const embedded: DatabaseSettings = { driver: 'pglite', directory: join(dataDirectory, 'db') };
  if (driver !== undefined && !['pglite', 'pg', 'neon'].includes(driver)) {
    faults.push(`DATABASE_DRIVER must be pglite, pg or neon, not "${driver}"`);
    return embedded;
  }
  if (url === undefined) {
    if (driver === 'pg' || driver === 'neon') faults.push(`DATABASE_DRIVER is ${driver}, but there is no DATABASE_URL`);
    return embedded;
  }
  if (driver === 'pglite') {
    faults.push('DATABASE_DRIVER is pglite, but there is a DATABASE_URL');
    return embedded;
  }
  const parsed = URL.parse(url);
  if (!parsed || !/^postgres(ql)?:$/.test(parsed.protocol)) {
    // The value is not repeated: it may contain a password.
    faults.push('DATABASE_URL must begin with postgres:// or postgresql://');
    return embedded;
  }
  if (driver === 'neon' || (driver === undefined && parsed.hostname.endsWith('.neon.tech'))) {
    return { driver: 'neon', url, proxy };
  }
  if (proxy !== undefined) faults.push('NEON_WS_PROXY is set, but the database is not at Neon');
  return { driver: 'pg', url };
}
