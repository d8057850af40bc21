/** Functions of WASI 0.3 on a running platform whose operator accepts them: their answers, and how they are stopped. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Platform, startPlatform } from '../harness/platform.ts';

const fixture = (name: string) => readFileSync(new URL(`../fixtures/${name}.wasm`, import.meta.url));

let platform: Platform;
let authorization: string;
beforeAll(async () => {
  platform = await startPlatform({ SKERRY_WASI_03: '1' });
  await platform.agent('box', { SKERRY_THREADS: '1' });
  authorization = `Bearer ${readFileSync(join(platform.folder, 'control-plane/admin-token'), 'utf8').trim()}`;
  const manifest = { limits: { timeout_ms: 1_000, output_bytes: 100_000 } };
  const { status, body } = await platform.api.upload('POST', '/v1/fn/_', 'new', fixture('run03'), { manifest });
  expect([status, body]).toMatchObject([201, {}]);
  const web = await platform.api.upload('POST', '/v1/fn/_', 'web', fixture('http03'), { manifest });
  expect(web.status).toBe(201);
}, 60_000);
afterAll(() => platform?.stop());

async function call(body: string): Promise<{ status: number; text: string }> {
  const url = new URL('/function/new', platform.controlPlane.url);
  const answer = await fetch(url, { method: 'POST', body, headers: { authorization } });
  return { status: answer.status, text: await answer.text() };
}

test('answers at both endpoints', async () => {
  expect(await call('hello')).toEqual({ status: 200, text: 'hello' });
  expect((await call('v')).text).toContain('Http_Method=POST\n');
  const { status, body } = await platform.api.call('POST', '/v1/fn/_/new', { args: { a: 1 } });
  expect([status, body]).toEqual([200, { data: { a: 1 } }]);
});

test('shows its world, and its imports', async () => {
  const { body } = await platform.api.call('GET', '/v1/fn/_/new');
  expect(JSON.stringify(body)).toMatch(/"wasi:cli\/run@0\.3".*wasi:cli\/stdin@0\.3\.0/);
});

const web = (path: string, init: RequestInit = {}) =>
  fetch(new URL(`/function/web/${path}`, platform.controlPlane.url), { ...init, headers: { authorization } });

test('answers HTTP, with a body written after the answer, and streams', async () => {
  const answer = await web('hello?x=1');
  expect([answer.status, answer.headers.get('x-case'), await answer.text()]).toEqual([200, 'new', '/hello?x=1']);
  const long = 'x'.repeat(5_000_000);
  const echo = await web('echo', { method: 'POST', body: long });
  expect((await echo.text()) === long).toBe(true);
});

test('HTTP errors are reported, before the answer or in it', async () => {
  const error = await web('error');
  expect([error.status, await error.text()]).toEqual([502, expect.stringContaining('connection-timeout')]);
  expect((await web('trap')).status).toBe(500);
  for (const path of ['stuck', 'late']) {
    const broken = web(path).then(async (answer) => `${answer.status} ${await answer.text()}`);
    await expect(broken.catch(() => 'cut')).resolves.toMatch(/^(cut|50[04] .*function_(timeout|trap))/);
  }
  expect(await (await web('after')).text()).toBe('/after');
});

test.for([
  ['waits too long', '100000', 504, 'function_timeout'],
  ['yields without an end', 'y', 504, 'function_timeout'],
  ['computes without an end', 'l', 504, 'function_timeout'],
  ['writes without an end', 'f', 500, 'function_output_too_large'],
  ['traps', 't', 500, 'function_trap'],
  ['waits for nothing', 'd', 500, 'function_trap'],
  ['fails', 'e', 422, 'function_error'],
  ['reads outside of its memory', '!'.repeat(200_000), 500, 'function_trap'],
] as const)('a function that %s is ended, and others go on', async ([, input, status, code]) => {
  const [answer, other] = await Promise.all([call(input), input === 'l' ? undefined : call('200')]);
  expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(code)]);
  if (other) expect(other).toEqual({ status: 200, text: '200' });
  expect(await call('after')).toEqual({ status: 200, text: 'after' });
});
