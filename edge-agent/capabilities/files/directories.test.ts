/**
 * Requests that the host would never send, straight to the capability host: code that broke out of the sandbox would
 * send them.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { grantsSchema } from '@skerry/shared/function/manifest.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DirectoryRequest } from '../../runner/protocol/capability-requests.ts';
import { type AgentStore, openStore } from '../../storage/store.ts';
import { type CapabilityHost, createCapabilityHost } from '../capabilities.ts';
import { createDiskReserve } from './disk-reserve.ts';

let device: string;
let store: AgentStore;
let capabilities: CapabilityHost;
beforeEach(() => {
  device = mkdtempSync(join(tmpdir(), 'skerry-directories-'));
  mkdirSync(join(device, 'offered/granted/inner'), { recursive: true });
  mkdirSync(join(device, 'outside'));
  writeFileSync(join(device, 'outside/secret'), 'secret');
  writeFileSync(join(device, 'offered/granted/hello'), 'hello');
  store = openStore(':memory:');
  capabilities = createCapabilityHost({ offered: [join(device, 'offered')], keyvalue: store.keyvalue });
});
afterEach(() => {
  store.close();
  rmSync(device, { recursive: true });
});

type Operation<A = DirectoryRequest> = A extends DirectoryRequest ? Omit<A, 'do' | 'grant' | 'path'> : never;

/** The error, the value, or the bytes as text. */
async function ask(
  path: readonly string[],
  operation: Operation,
  { text = '', mode = 'rw', host = join(device, 'offered/granted'), grant = 0 } = {},
): Promise<unknown> {
  const grants = grantsSchema.parse({ directories: [{ host, guest: '/g', mode }] });
  const whole = { do: 'directory', grant, path, ...operation } as DirectoryRequest;
  const { reply, bytes } = await capabilities.answer({ function: 'f', grants }, whole, Buffer.from(text));
  return reply.error ?? reply.value ?? Buffer.from(bytes).toString();
}

const read = { op: 'read', offset: 0, length: 100 } as const;
const write = { op: 'write', offset: 0 } as const;
const create = { op: 'open', create: true, exclusive: false, truncate: false } as const;
const everything: readonly Operation[] = [
  { op: 'stat' },
  { op: 'list' },
  { op: 'make' },
  { op: 'remove-directory' },
  { op: 'remove-file' },
  { op: 'sync' },
  read,
  write,
  { op: 'truncate', size: 0 },
  create,
  { op: 'open', create: false, exclusive: false, truncate: true },
  { op: 'rename', to: ['taken'] },
  { op: 'times', accessed: '0', modified: '0' },
];

const openFiles = () => readdirSync('/proc/self/fd').length;

describe('granted operations', () => {
  test('files are created, written, appended, truncated, read, dated, renamed, removed', async () => {
    expect(await ask(['a'], create)).toMatchObject({ type: 'regular-file', size: 0, links: 1 });
    expect(await ask(['a'], { ...create, exclusive: true })).toBe('exist');
    expect(await ask(['a'], write, { text: 'abcdef' })).toBe('');
    expect(await ask(['a'], { op: 'write', offset: null }, { text: 'gh' })).toBe('');
    expect(await ask(['a'], { op: 'write', offset: 2 }, { text: 'XY' })).toBe('');
    expect(await ask(['a'], { op: 'read', offset: 1, length: 5 })).toBe('bXYef');
    expect(await ask(['a'], { op: 'read', offset: 100, length: 5 })).toBe('');
    expect(await ask(['a'], { op: 'truncate', size: 3 })).toBe('');
    expect(await ask(['a'], { op: 'times', accessed: null, modified: '1500000000' })).toBe('');
    expect(await ask(['a'], { op: 'stat' })).toMatchObject({ size: 3, modified: '1500000000' });
    expect(await ask(['a'], { op: 'rename', to: ['inner', 'b'] })).toBe('');
    expect(readFileSync(join(device, 'offered/granted/inner/b'), 'utf8')).toBe('abX');
    expect(await ask(['inner', 'b'], { ...create, truncate: true })).toMatchObject({ type: 'regular-file' });
    expect(await ask(['inner', 'b'], read)).toBe('');
    expect(await ask(['inner', 'b'], { op: 'sync' })).toBe('');
    expect(await ask(['inner', 'b'], { op: 'remove-file' })).toBe('');
    expect(await ask(['inner', 'b'], read)).toBe('no-entry');
  });

  test('directories are created, listed, removed', async () => {
    expect(await ask(['d'], { op: 'make' })).toBe('');
    expect(await ask(['d'], { op: 'make' })).toBe('exist');
    expect(await ask([], { op: 'list' })).toEqual(
      expect.arrayContaining([
        { name: 'd', type: 'directory' },
        { name: 'hello', type: 'regular-file' },
      ]),
    );
    expect(await ask(['d'], { op: 'remove-directory' })).toBe('');
    expect(await ask(['d'], { op: 'list' })).toBe('no-entry');
    expect(await ask(['hello'], { op: 'list' })).toBe('not-directory');
    expect(await ask(['inner'], read)).toBe('is-directory');
    expect(await ask([], { op: 'stat' })).toMatchObject({ type: 'directory' });
  });

  test('an operation leaves no file open, with any result', async () => {
    await ask(['hello'], read);
    const before = openFiles();
    for (const operation of everything) {
      for (const path of [['hello'], ['inner'], ['missing', 'deep'], ['hello', 'below'], []])
        await ask(path, operation);
    }
    expect(openFiles()).toBe(before);
  });
});

describe('refused operations', () => {
  test('invalid names', async () => {
    for (const path of [['..', 'outside'], ['.'], [''], ['a/b'], ['a\0b'], ['x'.repeat(256)], ['\ud800']]) {
      for (const operation of everything) expect(await ask(path, operation)).toBe('invalid');
      expect(await ask(['hello'], { op: 'rename', to: path })).toBe('invalid');
    }
    expect(await ask(['hello'], { op: 'read', offset: -1, length: 5 })).toBe('invalid');
    expect(await ask(['hello'], { op: 'read', offset: 0, length: 2_000_000_000 })).toBe('invalid');
    expect(await ask(['hello'], { op: 'shell' } as unknown as Operation)).toBe('invalid');
  });

  test('a directory without a grant, or one that the device does not offer', async () => {
    for (const grant of [1, 2 ** 40]) expect(await ask(['hello'], read, { grant })).toBe('not-permitted');
    for (const host of [join(device, 'outside'), `${device}/offered-too`, device, '/', '/etc']) {
      for (const operation of everything) expect(await ask(['secret'], operation, { host })).toBe('not-permitted');
    }
  });

  test('a change in a read-only directory', async () => {
    const reading = new Set(['stat', 'list', 'read']);
    for (const operation of everything) {
      const answer = await ask(['hello'], operation, { mode: 'ro', text: 'changed' });
      if (reading.has(operation.op)) expect(answer).not.toBe('read-only');
      else expect(answer).toBe('read-only');
    }
    expect(readFileSync(join(device, 'offered/granted/hello'), 'utf8')).toBe('hello');
  });

  test('a change of the granted directory itself', async () => {
    for (const op of ['make', 'remove-directory', 'remove-file'] as const) {
      expect(await ask([], { op })).toBe('not-permitted');
    }
    expect(await ask([], { op: 'rename', to: ['x'] })).toBe('not-permitted');
    expect(await ask(['inner'], { op: 'rename', to: [] })).toBe('not-permitted');
    expect(existsSync(join(device, 'offered/granted/inner'))).toBe(true);
  });

  test('links, on the way and at the end', async () => {
    symlinkSync('../../outside', join(device, 'offered/granted/up'));
    symlinkSync('../../outside/secret', join(device, 'offered/granted/link'));
    symlinkSync('../../outside/new', join(device, 'offered/granted/dangling'));
    symlinkSync('../outside', join(device, 'offered/whole'));
    for (const operation of everything) {
      expect(['not-directory', 'loop']).toContain(await ask(['up', 'secret'], operation));
    }
    for (const operation of [read, write, create, { op: 'truncate', size: 0 }, { op: 'sync' }] as const) {
      expect(await ask(['link'], operation)).toBe('loop');
      expect(await ask(['dangling'], operation)).toBe('loop');
    }
    expect(await ask(['hello'], { op: 'rename', to: ['up', 'stolen'] })).toBe('not-directory');
    expect(await ask(['secret'], read, { host: join(device, 'offered/whole') })).toBe('not-directory');
    expect(await ask(['link'], { op: 'stat' })).toMatchObject({ type: 'symbolic-link' });
    expect(await ask(['link'], { op: 'remove-file' })).toBe('');
    expect(existsSync(join(device, 'outside/new'))).toBe(false);
    expect(readdirSync(join(device, 'outside'))).toEqual(['secret']);
    expect(readFileSync(join(device, 'outside/secret'), 'utf8')).toBe('secret');
  });

  test('an offered directory that is itself a link', async () => {
    symlinkSync('outside', join(device, 'linked'));
    capabilities = createCapabilityHost({ offered: [join(device, 'linked')], keyvalue: store.keyvalue });
    expect(await ask(['secret'], read, { host: join(device, 'linked') })).toBe('not-directory');
  });

  test('files with hard links, fifos and devices, at once', async () => {
    linkSync(join(device, 'outside/secret'), join(device, 'offered/granted/hard'));
    execFileSync('mkfifo', [join(device, 'offered/granted/fifo')]);
    for (const operation of [read, write, create, { op: 'truncate', size: 0 }, { op: 'sync' }] as const) {
      expect(await ask(['hard'], operation)).toBe('not-permitted');
      expect(await ask(['fifo'], operation)).toBe('not-permitted');
    }
    capabilities = createCapabilityHost({ offered: ['/dev'], keyvalue: store.keyvalue });
    expect(await ask(['zero'], read, { host: '/dev' })).toBe('not-permitted');
    expect(readFileSync(join(device, 'outside/secret'), 'utf8')).toBe('secret');
  });
});

test('more requests than there can be threads', async () => {
  const answers = await Promise.all(Array.from({ length: 300 }, () => ask(['hello'], read)));
  expect(answers.filter((answer) => answer === 'hello')).toHaveLength(256);
  expect(answers.filter((answer) => answer === 'busy')).toHaveLength(44);
  expect(await ask(['hello'], read)).toBe('hello');
});

test('a directory that is constantly swapped for a link does not lead out', async () => {
  const granted = join(device, 'offered/granted');
  mkdirSync(join(granted, 'real'));
  writeFileSync(join(granted, 'real/secret'), 'mine');
  symlinkSync('../../outside', join(granted, 'trap'));
  const swapper = spawn(
    process.execPath,
    [
      '-e',
      `const { renameSync } = require('node:fs');
       process.stdout.write('ready');
       for (let round = 0; round < 20000; round++) {
         renameSync('real', 'here'); renameSync('here', 'real'); renameSync('trap', 'here'); renameSync('here', 'trap');
       }`,
    ],
    { cwd: granted, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let swapping = true;
  const ended = once(swapper, 'exit').then(() => {
    swapping = false;
  });
  await once(swapper.stdout, 'data');
  const seen = new Set<unknown>();
  for (let round = 0; swapping; round++) {
    seen.add(await ask(['here', 'secret'], read));
    await ask(['here', `made-${round % 5}`], create);
    await ask(['here', 'secret'], write, { text: 'mine' });
  }
  await ended;
  expect(seen).not.toContain('secret');
  expect(seen).toContain('mine');
  expect(seen).toContain('not-directory');
  expect(readdirSync(join(device, 'outside'))).toEqual(['secret']);
  expect(readFileSync(join(device, 'outside/secret'), 'utf8')).toBe('secret');
  expect(lstatSync(join(granted, 'trap')).isSymbolicLink()).toBe(true);
});

test('on a full disk, files are read, truncated and removed, and nothing is added', async () => {
  const space = { bsize: 4_096, blocks: 1_000_000, bavail: 50_000, files: 0, ffree: 0 };
  capabilities = createCapabilityHost({
    offered: [join(device, 'offered')],
    keyvalue: store.keyvalue,
    diskReserve: createDiskReserve(async () => space),
  });
  expect(await ask(['hello'], write, { text: 'more' })).toBe('insufficient-space');
  expect(await ask(['hello'], { op: 'write', offset: null }, { text: 'more' })).toBe('insufficient-space');
  expect(await ask(['hello'], { op: 'truncate', size: 6 })).toBe('insufficient-space');
  expect(await ask(['new'], create)).toBe('insufficient-space');
  expect(await ask(['new'], { op: 'make' })).toBe('insufficient-space');
  expect(await ask(['hello'], create)).toMatchObject({ size: 5 });
  expect(await ask(['hello'], { op: 'truncate', size: 4 })).toBe('');
  expect(await ask(['hello'], read)).toBe('hell');
  expect(await ask(['hello'], { op: 'remove-file' })).toBe('');
});
