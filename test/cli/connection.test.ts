/** The server and the token that the command line uses, and how it stores them. */
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openCliBench } from './in-process.ts';

test('login stores a valid token, readable by this user only, and later commands use it', async () => {
  const { run, directory, api } = await openCliBench({ 'GET /v1/fn': { json: { data: [] } } });
  const env = { SKERRY_TOKEN: undefined, SKERRY_SERVER: undefined };
  const { code, out } = await run(['login', '--server', api.url, '--token', '-'], { env, input: 'sk_piped\n' });
  const file = join(directory, '.config', 'skerry', 'config.json');
  expect(code).toBe(0);
  expect(out).toContain(file);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ server: api.url, token: 'sk_piped' });

  await run(['mod', 'list'], { env });
  expect(api.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer sk_piped', 'Bearer sk_piped']);
});

test('login does not store an invalid token', async () => {
  const { run, directory, api } = await openCliBench({
    'GET /v1/fn': { status: 401, json: { errors: { detail: 'Unauthorized' } } },
  });
  const { code, err } = await run(['login', '--server', api.url]);
  expect(code).toBe(1);
  expect(err).toContain('the token is not valid here');
  await expect(stat(join(directory, '.config'))).rejects.toThrow('ENOENT');
});

test('a stored token goes only to its own server', async () => {
  const { run, directory, api } = await openCliBench({ 'GET /v1/fn': { json: { data: [] } } });
  const config = join(directory, 'config.json');
  await writeFile(config, JSON.stringify({ server: 'http://elsewhere.example', token: 'sk_secret' }));
  await run(['mod', 'list', '--server', api.url], { env: { SKERRY_CONFIG: config, SKERRY_TOKEN: undefined } });
  expect(api.seen[0]?.headers.authorization).toBeUndefined();
});

test('commands find the token of a running `skerry up`', async () => {
  const { run, directory, api } = await openCliBench({ 'GET /v1/fn': { json: { data: [] } } });
  await mkdir(join(directory, '.skerry', 'control-plane'), { recursive: true });
  await writeFile(join(directory, '.skerry', 'control-plane', 'admin-token'), 'sk_local\n');
  await writeFile(join(directory, '.skerry', 'server-url'), `${api.url}\n`);
  const env = { SKERRY_SERVER: undefined, SKERRY_TOKEN: undefined };
  expect((await run(['mod', 'list'], { env })).code).toBe(0);
  expect(api.seen[0]?.headers.authorization).toBe('Bearer sk_local');
});
