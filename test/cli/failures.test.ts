/** Commands that fail, against a scripted API: messages and exit codes. */
import { stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../harness/free-port.ts';
import { openCliBench } from './in-process.ts';

test("the server's message is printed in one line, with exit code 1", async () => {
  const { run } = await openCliBench({});
  expect(await run(['mod', 'get', 'nope'])).toEqual({ code: 1, out: '', err: 'skerry: There is no "nope"\n' });
  const { err } = await run(['mod', 'get', 'nope', '--json']);
  expect(JSON.parse(err)).toEqual({ error: { message: 'There is no "nope"', code: 'not_found', status: 404 } });
});

test('control characters from a server or a function do not reach the terminal', async () => {
  const message = 'no\x1b[2J\r\x9bA\ttwo\nlines';
  const { run } = await openCliBench({
    'POST /v1/fn/_/bad': { status: 422, json: { errors: { detail: 'Error', code: 'function_error', message } } },
    'POST /v1/fn/_/good': { json: { data: '\x1b\x9b\x7f' } },
    'GET /v1/fn': { json: { data: [{ name: 'a\x1bb', functions: 1 }] } },
  });
  expect((await run(['fn', 'invoke', 'bad'])).err).toBe('skerry: no\ufffd[2J\ufffd\ufffdA\ttwo\nlines\n');
  const { err } = await run(['fn', 'invoke', 'bad', '--json']);
  expect(err).not.toMatch(/[^\P{Cc}\n]/u);
  expect(JSON.parse(err)).toMatchObject({ error: { message } });
  expect((await run(['fn', 'invoke', 'good'])).out).toBe('"\\u001b\\u009b\\u007f"\n');
  expect((await run(['mod', 'list'])).out).toContain('a\ufffdb');
});

test('messages about fields are printed with the field', async () => {
  const { run } = await openCliBench({
    'POST /v1/fn': { status: 422, json: { errors: { name: ["can't be blank"], detail: 'no' } } },
  });
  expect((await run(['mod', 'create', 'x'])).err).toBe("skerry: name can't be blank\n");
});

test('messages about a field with the name of an error member are printed', async () => {
  const errors = { detail: 'no', code: 'validation_failed', fields: { code: ["can't be blank"] } };
  const { run } = await openCliBench({ 'POST /v1/fn': { status: 422, json: { errors } } });
  expect((await run(['mod', 'create', 'x'])).err).toBe("skerry: code can't be blank\n");
});

test('a duration over the limit is refused with the limit', async () => {
  const fields = { expires_in_seconds: ['must be from 1 to 2592000 (30 days)'] };
  const errors = { detail: 'no', code: 'validation_failed', fields };
  const { run } = await openCliBench({ 'POST /v1/agents/tokens': { status: 422, json: { errors } } });
  const { code, err } = await run(['agent', 'token', '--expires', '60d']);
  expect({ code, err }).toEqual({
    code: 1,
    err: 'skerry: expires_in_seconds must be from 1 to 2592000 (30 days)\n',
  });
});

test.each([
  [['up', '--port', '1', '--host', '192.0.2.1', '--data', 'x'], /^skerry: port 1 cannot be used/],
  [['up', '--data', 'file/x'], /^skerry: cannot make the data directory .*file\/x: ENOTDIR.*\n$/],
  [['up', '--data', '/proc/nope'], /^skerry: cannot make the data directory \/proc\/nope: ENOENT.*\n$/],
  [['login'], /^skerry: cannot write file\/x: (EEXIST|ENOTDIR).*\n$/],
])('%j prints one line, exit code 1', async (argv, message) => {
  const { run, directory } = await openCliBench({ 'GET /v1/fn': { json: { data: [] } } });
  await writeFile(join(directory, 'file'), '');
  const port = String(await freePort());
  const SKERRY_CONFIG = argv[0] === 'login' ? join(directory, 'file/x') : undefined;
  const { code, out, err } = await run(argv, { env: { PORT: port, SKERRY_CONFIG } });
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err.replace(`${directory}/`, '')).toMatch(message);
});

test('an unexpected error prints one line', async () => {
  const { run } = await openCliBench({ 'GET /v1/agents': { json: { data: [{ name: 'no labels' }] } } });
  const { code, err } = await run(['agent', 'list']);
  expect(code).toBe(1);
  expect(err).toMatch(/^skerry: .+\n$/);
  expect(JSON.parse((await run(['agent', 'list', '--json', '--server', '\0'])).err)).toMatchObject({
    error: { message: expect.any(String) },
  });
});

test.each([
  [['--json', 'nope'], "unknown command 'nope'"],
  [['fn', '--json'], 'a command is missing; see: skerry --help'],
  [['--json'], 'a command is missing; see: skerry --help'],
  [['fn', 'invoke', '--json'], "missing required argument 'name'"],
  [['mod', 'list', '--jsn', '--json'], "unknown option '--jsn'"],
  [['mod', 'list', '--json', '--server', 'ftp://x'], 'is not the URL of a server'],
])('%j: a usage mistake is printed as JSON, exit code 2', async (argv, message) => {
  const { run } = await openCliBench();
  const { code, out, err } = await run(argv);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(JSON.parse(err)).toEqual({ error: { message: expect.stringContaining(message) } });
});

test('without a token, the message says how to get one', async () => {
  const { run } = await openCliBench({
    'GET /v1/fn': { status: 401, json: { errors: { detail: 'Unauthorized', code: 'unauthorized' } } },
  });
  const { err } = await run(['mod', 'list'], { env: { SKERRY_TOKEN: undefined } });
  expect(err).toBe('skerry: Unauthorized; no token; see: skerry login --help\n');
});

test('another server than Skerry answers', async () => {
  const { run } = await openCliBench({ 'GET /v1/fn': { text: '<html>' } });
  const { code, err } = await run(['mod', 'list']);
  expect(code).toBe(1);
  expect(err).toContain("is not one of Skerry's API");
});

test('no server answers: exit code 3', async () => {
  const { run, api } = await openCliBench({});
  await api.close();
  const { code, err } = await run(['mod', 'list', '--server', api.url]);
  expect(code).toBe(3);
  expect(err).toMatch(/^skerry: cannot reach http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED.*\n$/);
});

test.each([
  [['nope'], "unknown command 'nope'"],
  [['fn', 'invoke'], "missing required argument 'name'"],
  [['fn', 'invoke', 'x', '-j', '1', '-a', 'a=b'], 'cannot be used with'],
  [['fn', 'deploy', 'x', 'y', '--memory', 'much'], 'a size such as 64MiB'],
  [['fn', 'deploy', 'x', 'y', '--env', 'novalue'], 'key=value'],
  [['agent', 'token', '--expires', '10'], 'a time such as 30s'],
  [['mod', 'list', '--server', 'ftp://x'], 'is not the URL of a server'],
  [['agent', '--label', 'a=b'], 'no control plane given'],
])('%j is a usage mistake: exit code 2', async (argv, message) => {
  const { run } = await openCliBench();
  const { code, err } = await run(argv, { env: { SKERRY_SERVER: undefined } });
  expect(code).toBe(2);
  expect(err).toMatch(/^skerry: .*\n$/);
  expect(err).toContain(message);
});

test('up names a taken port in one line before it starts anything', async () => {
  const { run, directory } = await openCliBench();
  const { promise, resolve } = Promise.withResolvers<void>();
  const holder = createServer().listen(0, '127.0.0.1', resolve);
  await promise;
  const { port } = holder.address() as { port: number };
  const { code, err } = await run(['up', '--port', String(port)]);
  holder.close();
  expect(code).toBe(1);
  expect(err).toBe(`skerry: port ${port} is taken by another program; choose another one, such as PORT=${port + 1}\n`);
  await expect(stat(join(directory, '.skerry'))).rejects.toThrow('ENOENT');
});
