/** The first admin, its token and the token's file, over restarts. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashToken } from '../crypto/tokens.ts';
import { openPglite } from '../db/pglite.ts';
import { type Harness, startHarness } from '../testing/harness.ts';
import { adminTokenFile, replaceWrittenToken, seedAdmin } from './admin-token.ts';
import { createSubjectService } from './subjects.ts';

let h: Harness;
let dataDirectory: string;
let first: string;
beforeAll(async () => {
  h = await startHarness(undefined, { SKERRY_ADMIN_TOKEN: '' });
  dataDirectory = h.config.dataDirectory;
  first = await written();
});
afterAll(() => h?.close());

const written = async () => (await readFile(adminTokenFile(dataDirectory), 'utf8').catch(() => '')).trim();
const restart = async (configured?: string) => {
  await h.controlPlane.store.change((orm) => seedAdmin(orm, { dataDirectory, configured }));
  await h.controlPlane.catalog.refresh();
};
const subjects = () =>
  createSubjectService(h.controlPlane.store, h.controlPlane.catalog, randomBytes, (ended, successor) =>
    replaceWrittenToken(dataDirectory, ended, successor),
  );
const statusWith = async (token: string) => (await h.request('GET', '/v1/admin/subjects', { token })).status;

test('a rotated token replaces the old one in the file, readable by this user only', async () => {
  expect(await statusWith(first)).toBe(200);
  const { token } = await subjects().rotate('admin');
  expect(await written()).toBe(token);
  expect((await stat(adminTokenFile(dataDirectory))).mode & 0o777).toBe(0o600);
  await restart();
  expect(await statusWith(token)).toBe(200);
  expect(await statusWith(first)).toBe(401);
});

test('another subject does not touch the file', async () => {
  const before = await written();
  const { token } = await subjects().create('other', 'user');
  expect((await subjects().rotate('other')).token).not.toBe(token);
  await subjects().remove('other');
  expect(await written()).toBe(before);
});

test('a deleted admin stays deleted over a restart, and its file is gone', async () => {
  const old = await written();
  const { token } = await subjects().create('root', 'admin');
  await subjects().remove('admin');
  expect(await written()).toBe('');
  await restart();
  expect((await subjects().list()).map(({ name }) => name)).toEqual(['root']);
  expect(await statusWith(old)).toBe(401);
  expect(await statusWith(token)).toBe(200);
  expect(await written()).toBe('');
});

test('the setting stays in force: each start brings the admin back, with its role', async () => {
  const configured = 'configured-token-0123456789';
  await restart(configured);
  expect(await statusWith(configured)).toBe(200);
  await subjects().remove('admin');
  await subjects().create('admin', 'user');
  expect(await statusWith(configured)).toBe(401);
  await restart(configured);
  expect(await statusWith(configured)).toBe(200);
});

test('a file that cannot be changed does not undo the change', async () => {
  await expect(replaceWrittenToken('/proc/nope', hashToken('x'), 'y')).resolves.toBeUndefined();
});

test('a data directory that cannot be made is reported at once', async () => {
  await expect(openPglite('/proc/nope/db')).rejects.toThrow(/ENOENT.*\/proc\/nope/);
  const parent = await mkdtemp(join(tmpdir(), 'skerry-test-'));
  const driver = await openPglite(join(parent, 'a', 'b'));
  await driver.close();
  expect((await stat(join(parent, 'a', 'b'))).isDirectory()).toBe(true);
  await rm(parent, { recursive: true });
});
