import { resolve } from 'node:path';
import { ConfigError } from '@skerry/shared/config-error.ts';
import { describe, expect, test } from 'vitest';
import { type Environment, readConfig } from './config.ts';

const faultsOf = (environment: Environment): readonly string[] => {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
};

test('an empty environment gives the defaults', () => {
  expect(readConfig({})).toEqual({
    port: 4000,
    host: '127.0.0.1',
    dataDirectory: resolve('.skerry/control-plane'),
    database: { driver: 'pglite', directory: resolve('.skerry/control-plane/db') },
    adminToken: undefined,
    logLevel: 'info',
    scrapeIntervalMs: 5_000,
    pingIntervalMs: 10_000,
    statusIntervalMs: 10_000,
    handshakeTimeoutMs: 5_000,
    maxUploadBytes: 64 * 1024 * 1024,
    maxBodyBytes: 4 * 1024 * 1024,
    waitForWorkersMs: 5_000,
    prepareTimeoutMs: 60_000,
    prepareMemoryMb: 1_024,
    wasi03: false,
    tunnelHosts: [],
    drainMs: 10_000,
    catalogPollMs: 2_000,
    sealingKey: undefined,
    leaseMs: 10_000,
    asyncConcurrency: 32,
    maxQueued: 100_000,
    maxDeliveries: 1_000_000,
    retentionMs: 168 * 3_600_000,
  });
});

test('values are taken; an empty value counts as absent; foreign names are ignored', () => {
  const config = readConfig({
    PORT: '0',
    SKERRY_HOST: '',
    SKERRY_TUNNEL_HOSTS: 'a.example:443, b.example',
    SKERRY_LOG_LEVEL: 'debug',
    HOME: '/root',
    SKERRY_SERVER: 'http://127.0.0.1:4000',
    SKERRY_TOKEN: 'of the command line',
    SKERRY_CONFIG: '/root/config.json',
  });
  expect(config).toMatchObject({
    port: 0,
    host: '127.0.0.1',
    tunnelHosts: ['a.example:443', 'b.example'],
    logLevel: 'debug',
  });
});

test('WASI 0.3 is accepted only with the one value that enables it', () => {
  expect(readConfig({ SKERRY_WASI_03: '1' }).wasi03).toBe(true);
  expect(readConfig({ SKERRY_WASI_03: '0' }).wasi03).toBe(false);
  expect(faultsOf({ SKERRY_WASI_03: 'yes' })).toHaveLength(1);
});

test('all faults are reported together', () => {
  const faults = faultsOf({
    PORT: '80x',
    SKERRY_DRAIN_MS: '-1',
    SKERRY_SCRAPE_INTERVAL_MS: '1e3',
    SKERRY_PORT: '1',
    SKERRY_LOG_LEVEL: 'loud',
    SKERRY_ADMIN_TOKEN: 'short',
    DATABASE_DRIVER: 'mysql',
  });
  const named = ['SKERRY_PORT', 'SKERRY_ADMIN_TOKEN', 'SKERRY_LOG_LEVEL', 'PORT', 'DATABASE_DRIVER'];
  expect(faults.map((fault) => fault.split(' ')[0])).toEqual([
    ...named,
    'SKERRY_SCRAPE_INTERVAL_MS',
    'SKERRY_DRAIN_MS',
  ]);
});

describe('the database', () => {
  const url = 'postgres://u:secret@db.example/x';
  const neonUrl = 'postgresql://u:secret@ep-x.eu.neon.tech/x';

  test.each<[string, Environment, object]>([
    ['a URL', { DATABASE_URL: url }, { driver: 'pg', url }],
    ['a URL at Neon', { DATABASE_URL: neonUrl }, { driver: 'neon', url: neonUrl, proxy: undefined }],
    ['a URL at Neon, but pg', { DATABASE_URL: neonUrl, DATABASE_DRIVER: 'pg' }, { driver: 'pg', url: neonUrl }],
    [
      'the Neon driver with a proxy',
      { DATABASE_URL: url, DATABASE_DRIVER: 'neon', NEON_WS_PROXY: 'h:1/v1' },
      { driver: 'neon', url, proxy: 'h:1/v1' },
    ],
  ])('%s', (_, environment, database) => {
    expect(readConfig(environment).database).toEqual(database);
  });

  test.each<[string, Environment]>([
    ['pg without a URL', { DATABASE_DRIVER: 'pg' }],
    ['PGlite with a URL', { DATABASE_DRIVER: 'pglite', DATABASE_URL: url }],
    ['another scheme', { DATABASE_URL: 'mysql://u:secret@h/x' }],
    ['no URL at all', { DATABASE_URL: 'secret' }],
    ['a proxy without Neon', { DATABASE_URL: url, NEON_WS_PROXY: 'h:1/v1' }],
  ])('%s is a fault, which does not repeat the password', (_, environment) => {
    const faults = faultsOf(environment);
    expect(faults).toHaveLength(1);
    expect(faults[0]).not.toContain('secret');
  });
});

test('the sealing key is 32 bytes in hex, given or in a file', () => {
  const key = 'ab'.repeat(32);
  expect(readConfig({ SKERRY_SEALING_KEY: key }).sealingKey).toBe(key);
  expect(() => readConfig({ SKERRY_SEALING_KEY: 'short' })).toThrow('SKERRY_SEALING_KEY must be 32 bytes in hex');
  expect(() => readConfig({ SKERRY_SEALING_KEY_FILE: '/nowhere/key' })).toThrow('SKERRY_SEALING_KEY_FILE');
});
