/** A real guest in a real runner uses files, with and without grants. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { grantsSchema } from '@skerry/shared/function/manifest.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { prepareFixture } from '../../../test/fixtures/bundles.ts';
import type { Runner } from '../../runner/calls/call.ts';
import { call, start, text } from '../../runner/testing/harness.ts';
import { type AgentStore, openStore } from '../../storage/store.ts';
import { createCapabilityHost } from '../capabilities.ts';

let bundle: { digest: string; bytes: Uint8Array };
let device: string;
beforeAll(async () => {
  const prepared = await prepareFixture('files');
  bundle = { digest: prepared.bundleDigest, bytes: prepared.bundle };
  device = mkdtempSync(join(tmpdir(), 'skerry-files-'));
  mkdirSync(join(device, 'shared/inner'), { recursive: true });
  mkdirSync(join(device, 'read-only'));
  writeFileSync(join(device, 'secret'), 'secret');
  writeFileSync(join(device, 'shared/hello'), 'hello');
  writeFileSync(join(device, 'read-only/hello'), 'hello');
  symlinkSync('..', join(device, 'shared/up'));
  symlinkSync('/etc', join(device, 'shared/etc'));
  symlinkSync('../secret', join(device, 'shared/link'));
  symlinkSync('hello', join(device, 'shared/harmless'));
  linkSync(join(device, 'secret'), join(device, 'shared/hard'));
  execFileSync('mkfifo', [join(device, 'shared/fifo')]);
});
afterAll(() => rmSync(device, { recursive: true }));

let store: AgentStore;
let runner: Runner;
beforeEach(() => {
  store = openStore(':memory:');
  runner = start({
    capabilities: createCapabilityHost({ offered: [device], keyvalue: store.keyvalue }),
    readBundle: (digest) => (digest === bundle.digest ? bundle.bytes : undefined),
  });
});
afterEach(() => store.close());

type Operation = { op: string; path?: string; to?: string; text?: string; size?: number; fd?: number };

/** One call of the guest with two granted directories, `/shared` to read and write and `/fixed` to read. */
async function act(operation: Operation, directories = granted()): Promise<unknown> {
  const grants = grantsSchema.parse({ directories });
  const result = await call(runner, 'command', JSON.stringify(operation), {
    bundle: bundle.digest,
    granted: { function: 'files', grants },
    see: { directories: grants.directories },
  });
  const answer = text(result);
  return answer.startsWith('{') ? JSON.parse(answer) : answer;
}

const granted = () => [
  { host: join(device, 'shared'), guest: '/shared', mode: 'rw' as const },
  { host: join(device, 'read-only'), guest: '/fixed', mode: 'ro' as const },
];

const error = (message: string) => ({ error: message });

describe('in a granted directory', () => {
  test('files are written, read, listed, renamed and removed on the device', async () => {
    expect(await act({ op: 'preopens' })).toEqual({ ok: ['/', '/shared', '/fixed'] });
    expect(await act({ op: 'mkdir', path: '/shared/new' })).toEqual({ ok: true });
    expect(await act({ op: 'write', path: '/shared/new/a', text: 'one' })).toEqual({ ok: true });
    expect(await act({ op: 'append', path: '/shared/new/a', text: ' two' })).toEqual({ ok: true });
    expect(readFileSync(join(device, 'shared/new/a'), 'utf8')).toBe('one two');
    expect(await act({ op: 'rename', path: '/shared/new/a', to: '/shared/new/b' })).toEqual({ ok: true });
    expect(await act({ op: 'read', path: '/shared/new/b' })).toEqual({ ok: 'one two' });
    expect(await act({ op: 'truncate', path: '/shared/new/b', size: 3 })).toEqual({ ok: true });
    expect(await act({ op: 'touch', path: '/shared/new/b', size: 86_400 })).toEqual({ ok: true });
    expect(await act({ op: 'stat', path: '/shared/new/b' })).toEqual({
      ok: { type: 'file', size: 3, modified: 86_400 },
    });
    expect(await act({ op: 'list', path: '/shared/new' })).toMatchObject({ ok: expect.arrayContaining(['b']) });
    expect(await act({ op: 'rmdir', path: '/shared/new' })).toEqual(error('Directory not empty'));
    expect(await act({ op: 'unlink', path: '/shared/new/b' })).toEqual({ ok: true });
    expect(await act({ op: 'rmdir', path: '/shared/new' })).toEqual({ ok: true });
    expect(existsSync(join(device, 'shared/new'))).toBe(false);
  });

  test('a read-only directory cannot be changed', async () => {
    expect(await act({ op: 'read', path: '/fixed/hello' })).toEqual({ ok: 'hello' });
    const changes: Operation[] = [
      { op: 'write', path: '/fixed/hello', text: 'changed' },
      { op: 'append', path: '/fixed/hello', text: 'changed' },
      { op: 'write', path: '/fixed/new', text: 'new' },
      { op: 'mkdir', path: '/fixed/new' },
      { op: 'rmdir', path: '/fixed/new' },
      { op: 'unlink', path: '/fixed/hello' },
      { op: 'rename', path: '/fixed/hello', to: '/fixed/other' },
      { op: 'truncate', path: '/fixed/hello', size: 0 },
      { op: 'touch', path: '/fixed/hello', size: 0 },
    ];
    for (const change of changes) expect(await act(change), change.op).toEqual(error('Read-only file system'));
    expect(readFileSync(join(device, 'read-only/hello'), 'utf8')).toBe('hello');
  });

  test('a read of 2,000,000,000 bytes returns the existing bytes', async () => {
    expect(await act({ op: 'huge', path: '/shared/hello' })).toEqual({ ok: 5 });
  });

  test('directories that the device does not offer are absent', async () => {
    const elsewhere = [{ host: '/etc', guest: '/shared', mode: 'rw' as const }];
    expect(await act({ op: 'read', path: '/shared/hostname' }, elsewhere)).toEqual(error('Operation not permitted'));
    const beside = [{ host: `${device}-other`, guest: '/shared', mode: 'rw' as const }];
    expect(await act({ op: 'list', path: '/shared' }, beside)).toEqual(error('Operation not permitted'));
    const linked = [{ host: join(device, 'shared/etc'), guest: '/shared', mode: 'ro' as const }];
    expect(await act({ op: 'read', path: '/shared/hostname' }, linked)).toEqual(error('Not a directory'));
  });
});

describe('out of a granted directory', () => {
  /** Of the preopened directories: the scratch, then the granted ones in their order. */
  const shared = 4;

  test('no path leads out', async () => {
    const notPermitted = error('Operation not permitted');
    expect(await act({ op: 'raw', path: '../secret', fd: shared })).toEqual(notPermitted);
    expect(await act({ op: 'raw', path: 'inner/../../secret', fd: shared })).toEqual(notPermitted);
    expect(await act({ op: 'raw', path: '/etc/passwd', fd: shared })).toEqual(notPermitted);
    expect(await act({ op: 'read', path: '/shared/../secret' })).toEqual(notPermitted);
    expect(await act({ op: 'raw', path: 'x'.repeat(300), fd: shared })).toEqual(error('Filename too long'));
    expect(await act({ op: 'raw', path: 'a/'.repeat(100), fd: shared })).toEqual(error('Filename too long'));
    expect(await act({ op: 'nul', fd: shared })).toEqual(error('Invalid argument'));
    expect(await act({ op: 'raw', path: 'inner/../hello', fd: shared })).toEqual({ ok: true });
  });

  test('no link leads out, at any place and with any target', async () => {
    const refused = [error('Too many levels of symbolic links'), error('Symbolic link loop'), error('Not a directory')];
    for (const path of ['up/secret', 'etc/passwd', 'link', 'harmless', 'up/shared/hello']) {
      expect(refused, path).toContainEqual(await act({ op: 'read', path: `/shared/${path}` }));
      expect(refused, path).toContainEqual(await act({ op: 'write', path: `/shared/${path}`, text: 'changed' }));
    }
    expect(readFileSync(join(device, 'secret'), 'utf8')).toBe('secret');
  });

  test('no link can be created', async () => {
    const notPermitted = error('Operation not permitted');
    expect(await act({ op: 'symlink', path: '/shared/mine', to: '../secret' })).toEqual(notPermitted);
    expect(await act({ op: 'link', path: '/shared/hello', to: '/shared/mine' })).toEqual(notPermitted);
    expect(await act({ op: 'readlink', path: '/shared/link' })).toEqual(notPermitted);
    expect(existsSync(join(device, 'shared/mine'))).toBe(false);
  });

  test('a file with hard links, or one that is no regular file, is not opened', async () => {
    expect(await act({ op: 'read', path: '/shared/hard' })).toEqual(error('Operation not permitted'));
    expect(await act({ op: 'write', path: '/shared/hard', text: 'changed' })).toEqual(error('Operation not permitted'));
    expect(await act({ op: 'read', path: '/shared/fifo' })).toEqual(error('Operation not permitted'));
    expect(readFileSync(join(device, 'secret'), 'utf8')).toBe('secret');
  });

  test('nothing is moved from one directory to another', async () => {
    expect(await act({ op: 'rename', path: '/shared/hello', to: '/tmp/hello' })).toEqual(error('Cross-device link'));
    expect(existsSync(join(device, 'shared/hello'))).toBe(true);
  });
});

describe('in the scratch', () => {
  test('files exist while the call runs, and are gone after it', async () => {
    expect(await act({ op: 'reopen', path: '/tmp/a' })).toEqual({ ok: 'still here' });
    expect(await act({ op: 'write', path: 'relative', text: 'x' })).toEqual({ ok: true });
    expect(await act({ op: 'read', path: 'relative' })).toEqual(error('No such file or directory'));
  });

  test('16 MiB and 4,096 entries are the limit', async () => {
    expect(await act({ op: 'fill', path: '/tmp' })).toEqual({ ok: 16, error: 'No space left on device' });
    expect(await act({ op: 'many', path: '/tmp' })).toEqual({ ok: 4_095, error: 'No space left on device' });
    expect(await act({ op: 'sparse', path: '/tmp/a', size: 2 ** 31 - 1 })).toEqual(error('No space left on device'));
    expect(await act({ op: 'truncate', path: '/tmp/a', size: 2 ** 31 - 1 })).toEqual(error('No space left on device'));
  });
});
