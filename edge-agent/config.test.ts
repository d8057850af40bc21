import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '@skerry/shared/config-error.ts';
import { expect, onTestFinished, test } from 'vitest';
import { readConfig } from './config.ts';

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

test('an empty environment makes a complete configuration', () => {
  const config = readConfig({ SKERRY_NAME: 'box' });
  expect(config).toMatchObject({ name: 'box', labels: {}, data: '.skerry/agent', queue: 1_000, logLevel: 'info' });
  expect(config.server.href).toBe('http://127.0.0.1:4000/');
  expect(config.joinToken).toBeUndefined();
  expect(config.metricsPort).toBeUndefined();
});

test('settings are read', () => {
  const config = readConfig({
    SKERRY_SERVER: 'https://skerry.example.org',
    SKERRY_NAME: 'pi-7',
    SKERRY_LABELS: 'site=oslo, room=cellar,bare',
    SKERRY_METRICS_PORT: '0',
    SKERRY_TOKEN: 'of the command line',
    SKERRY_CONFIG: '/root/config.json',
  });
  expect(config.labels).toEqual({ site: 'oslo', room: 'cellar', bare: '' });
  expect(config.metricsPort).toBe(0);
});

test('all faults are reported together, each with the name of its setting', () => {
  const faults = faultsOf({
    SKERRY_SERVER: 'ftp://x',
    SKERRY_NAME: 'an invalid name',
    SKERRY_LABELS: '-=x',
    SKERRY_THREADS: '0',
    SKERRY_QUEUE: 'many',
    SKERRY_LOG_LEVEL: 'loud',
    SKERRY_TREADS: '2',
  });
  const names = ['TREADS', 'SERVER', 'NAME', 'LABELS', 'THREADS', 'QUEUE', 'LOG_LEVEL'];
  expect(faults.map((fault) => fault.split(':')[0])).toEqual(names.map((name) => `SKERRY_${name}`));
});

test('the error for the address of a WebSocket names the address to use', () => {
  const fault = (server: string) => faultsOf({ SKERRY_NAME: 'a', SKERRY_SERVER: server });
  const expected = 'SKERRY_SERVER: must be an http:// or https:// address';
  expect(fault('ws://127.0.0.1:4000')).toEqual([`${expected}; use http://127.0.0.1:4000`]);
  expect(fault('wss://skerry.example.org/edge')).toEqual([`${expected}; use https://skerry.example.org/edge`]);
  expect(fault('ftp://skerry.example.org')).toEqual([expected]);
});

test('a join token may come from a file, which may be gone later', () => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-config-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'token');
  writeFileSync(file, 'sj_secret\n');
  expect(readConfig({ SKERRY_NAME: 'a', SKERRY_JOIN_TOKEN_FILE: file }).joinToken).toBe('sj_secret');
  expect(readConfig({ SKERRY_NAME: 'a', SKERRY_JOIN_TOKEN_FILE: join(folder, 'gone') }).joinToken).toBeUndefined();
  expect(faultsOf({ SKERRY_NAME: 'a', SKERRY_JOIN_TOKEN_FILE: folder })).toHaveLength(1);
});

test('directories are absolute paths with colons between them', () => {
  const directories = (value: string) => readConfig({ SKERRY_DIRECTORIES: value }).directories;
  expect(readConfig({}).directories).toEqual([]);
  expect(directories('/srv/data:/mnt/usb/:/')).toEqual(['/srv/data', '/mnt/usb', '/']);
  for (const value of ['data', '/srv/../etc', '/srv/./data', '/srv//data', '/srv:data']) {
    expect(() => directories(value), value).toThrow('SKERRY_DIRECTORIES');
  }
});
