/** A function reaches the granted parts of the device and its networks, and nothing else. */
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fixture } from './fixture.ts';
import { type Site, startSite } from './platform-under-attack.ts';

const folder = mkdtempSync(join(tmpdir(), 'skerry-containment-'));
const offered = join(folder, 'offered');
let site: Site;
let server: Server;
let port = 0;
let connections = 0;

beforeAll(async () => {
  mkdirSync(join(offered, 'inner'), { recursive: true });
  mkdirSync(join(folder, 'other'));
  writeFileSync(join(folder, 'secret'), 'secret');
  writeFileSync(join(offered, 'plain'), 'plain text');
  symlinkSync(join(folder, 'secret'), join(offered, 'absolute'));
  symlinkSync('../secret', join(offered, 'relative'));
  symlinkSync('..', join(offered, 'up'));
  symlinkSync('/', join(offered, 'root'));
  symlinkSync('loop', join(offered, 'loop'));
  writeFileSync(join(offered, 'sparse'), '');
  truncateSync(join(offered, 'sparse'), 3_000_000_000);
  server = createServer((_, answer) => answer.end('from outside')).listen(0, '127.0.0.1');
  server.on('connection', () => {
    connections += 1;
  });
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);

  site = await startSite({ SKERRY_DIRECTORIES: offered });
  const files = fixture('files');
  const directory = { host: offered, guest: '/data' };
  await site.deploy('nothing', files);
  await site.deploy('reads', files, { capabilities: { directories: [{ ...directory, mode: 'ro' }] } });
  await site.deploy('writes', files, { capabilities: { directories: [{ ...directory, mode: 'rw' }] } });
  await site.deploy('not-offered', files, {
    capabilities: { directories: [{ host: folder, guest: '/data', mode: 'rw' }] },
  });
  await site.deploy('denied', fixture('http'));
  await site.deploy('named', fixture('http'), { capabilities: { http: [`localhost:${port}`] } });
  await site.deploy('spelled-out', fixture('http'), { capabilities: { http: [`127.0.0.1:${port}`] } });
  const network = { http: [`localhost:${port}`], networks: ['loopback' as const] };
  await site.deploy('granted', fixture('http'), { capabilities: network });
}, 60_000);
afterAll(async () => {
  server.close();
  await site?.close();
  rmSync(folder, { recursive: true });
});

type Result = { ok?: unknown; error?: string };
const files = async (name: string, args: object): Promise<Result> => {
  const { text } = await site.call(name, args);
  return (JSON.parse(text) as { data: Result }).data;
};

describe('directories', () => {
  test('without a grant a function has a scratch directory, and nothing of the device', async () => {
    for (const path of ['/etc/passwd', '/data/plain', '/proc/self/environ', offered, '../../etc/passwd']) {
      expect(await files('nothing', { op: 'read', path })).toEqual({ error: expect.any(String) });
    }
    expect(await files('nothing', { op: 'write', path: '/note', text: 'mine' })).toEqual({ ok: true });
    expect(existsSync('/note')).toBe(false);
    expect(await files('nothing', { op: 'read', path: '/note' }), 'gone with the call').toEqual({
      error: expect.any(String),
    });
  });

  test('a read-only directory cannot be changed', async () => {
    expect(await files('reads', { op: 'read', path: '/data/plain' })).toEqual({ ok: 'plain text' });
    const refused = { error: expect.any(String) };
    expect(await files('reads', { op: 'write', path: '/data/plain', text: 'mine' })).toEqual(refused);
    expect(await files('reads', { op: 'write', path: '/data/new', text: 'mine' })).toEqual(refused);
    expect(await files('reads', { op: 'unlink', path: '/data/plain' })).toEqual(refused);
    expect(await files('reads', { op: 'truncate', path: '/data/plain', size: 0 })).toEqual(refused);
    expect(await files('reads', { op: 'rename', path: '/data/plain', to: '/data/moved' })).toEqual(refused);
    expect(readFileSync(join(offered, 'plain'), 'utf8')).toBe('plain text');
  });

  test.each([
    '/data/../secret',
    '/data/inner/../../secret',
    '/data/absolute',
    '/data/relative',
    '/data/up/secret',
    '/data/up/up/secret',
    '/data/root/etc/passwd',
    '/data/loop',
    '/data/./.././secret',
    '/data//../secret',
  ])('a path through %s does not leave the directory', async (path) => {
    for (const name of ['reads', 'writes']) {
      expect(await files(name, { op: 'read', path })).toEqual({ error: expect.any(String) });
    }
    await files('writes', { op: 'write', path, text: 'overwritten' });
    expect(readFileSync(join(folder, 'secret'), 'utf8')).toBe('secret');
  });

  test('a link that the function makes does not leave the directory either', async () => {
    for (const [path, to] of [
      ['/data/made', '../secret'],
      ['/data/made-up', join(folder, 'secret')],
    ]) {
      await files('writes', { op: 'symlink', path, to });
      expect(await files('writes', { op: 'read', path })).toEqual({ error: expect.any(String) });
    }
    await files('writes', { op: 'link', path: '/data/up/secret', to: '/data/hard' });
    await files('writes', { op: 'rename', path: '/data/plain', to: '/data/../stolen' });
    expect(existsSync(join(folder, 'stolen'))).toBe(false);
    expect(existsSync(join(offered, 'hard'))).toBe(false);
  });

  test('paths that bypass the C library (.., absolute, with a NUL byte) do not leave the directory', async () => {
    for (const fd of [3, 4, 5]) {
      for (const path of ['../secret', '/etc/passwd', 'up/secret', '..']) {
        expect(await files('reads', { op: 'raw', path, fd })).toEqual({ error: expect.any(String) });
      }
      expect(await files('reads', { op: 'nul', path: 'a', fd })).toEqual({ error: expect.any(String) });
    }
  });

  test('a read of 2 GB returns a part of the file', async () => {
    const before = site.residentMb();
    const { ok } = await files('reads', { op: 'huge', path: '/data/sparse' });
    expect(ok).toBeGreaterThan(0);
    expect(ok).toBeLessThanOrEqual(2 * 1024 * 1024);
    expect(site.residentMb() - before).toBeLessThan(100);
  });

  test('the scratch directory is bounded', async () => {
    for (const op of ['fill', 'many']) {
      const result = await files('nothing', { op, path: '/' });
      expect(result).toEqual({ ok: expect.any(Number), error: expect.any(String) });
    }
  });

  test('a directory that the agent does not offer is absent, even with a grant', async () => {
    for (const path of ['/data/secret', '/data/offered/plain']) {
      expect(await files('not-offered', { op: 'read', path })).toEqual({ error: expect.any(String) });
    }
  });
});

describe('outgoing HTTP', () => {
  const fetchFrom = async (name: string, host: string) => (await site.raw(`${name}/fetch?${host}:${port}/`)).text;
  /** wasi:http/types, error-code: HTTP-request-denied is its case 15. */
  const denied = 'error:15';
  const anyError = expect.stringMatching(/^error:\d+$/);

  test('a denied request returns an error value and sends nothing; a granted one returns the answer; concurrent functions keep their own grants', async () => {
    const texts = await Promise.all([
      fetchFrom('denied', '127.0.0.1'),
      fetchFrom('named', 'localhost'),
      fetchFrom('spelled-out', '127.0.0.1'),
      fetchFrom('granted', 'localhost'),
    ]);
    expect(texts).toEqual([denied, anyError, 'from outside', 'from outside']);
    expect(connections).toBe(2);
  });

  test.each(['[::1]', '0.0.0.0', '127.1', '2130706433', '[::ffff:127.0.0.1]', '127.0.0.2', '169.254.169.254'])(
    'a granted name does not open %s',
    async (host) => {
      const before = connections;
      for (const name of ['denied', 'named', 'granted']) expect(await fetchFrom(name, host)).toEqual(anyError);
      expect(connections).toBe(before);
    },
  );
});
