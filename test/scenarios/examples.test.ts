/** Every example, built, deployed and called as its README says. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findToolchain } from '@skerry/cli/build/rust.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Platform, startPlatform } from '../harness/platform.ts';

const cli = fileURLToPath(import.meta.resolve('@skerry/cli/main.ts'));
const examples = fileURLToPath(new URL('../../examples/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'skerry-examples-'));

let platform: Platform;

beforeAll(async () => {
  // Storing the 14 MB of http-js blocks PGlite, and with it the control plane, for some seconds.
  platform = await startPlatform({ SKERRY_PING_INTERVAL_MS: '10000' });
  await platform.agent('box');
});
afterAll(async () => {
  await platform.stop();
  rmSync(folder, { recursive: true });
});

/** The reason why this machine cannot build it, when the command does not print the expected text; else empty. */
function missing(what: string, command: string, expected: string): string {
  try {
    return execFileSync('sh', ['-c', command], { stdio: 'pipe' }).toString().includes(expected) ? '' : `no ${what}`;
  } catch {
    return `no ${what}`;
  }
}
const noClang = missing('clang with wasm32', 'clang --print-targets', 'wasm32');
const noRust = await findToolchain(examples).then(
  () => '',
  () => 'no Rust for WebAssembly',
);
const skipped = (reason: string) => (reason === '' ? '' : ` (skipped: ${reason})`);

/** Builds it with `skerry fn build`, and deploys it under its own name. */
async function deploy(name: string, manifest: object = {}): Promise<void> {
  const output = join(folder, `${name}.wasm`);
  execFileSync(process.execPath, [cli, 'fn', 'build', join(examples, name), '-o', output], { stdio: 'pipe' });
  const answer = await platform.api.upload('POST', '/v1/fn/_', name, readFileSync(output), {
    manifest,
    wait_for_workers: '60000',
  });
  expect(answer).toMatchObject({ status: 201, body: { data: { agents: { applied: 1, failed: [] } } } });
}

const invoke = (name: string, args: unknown) => platform.api.call('POST', `/v1/fn/_/${name}`, { args });

function raw(path: string, init: RequestInit = {}): Promise<Response> {
  const token = readFileSync(join(platform.folder, 'control-plane/admin-token'), 'utf8').trim();
  return fetch(new URL(`/function/${path}`, platform.controlPlane.url), {
    ...init,
    headers: { ...init.headers, authorization: `Bearer ${token}` },
  });
}

test('hello-js', async () => {
  await deploy('hello-js');
  expect(await invoke('hello-js', { name: 'Ada' })).toMatchObject({ body: { data: { greeting: 'Hello, Ada!' } } });
  expect(await invoke('hello-js', {})).toMatchObject({ status: 422 });
});

test('hello-ts', async () => {
  await deploy('hello-ts');
  expect(await invoke('hello-ts', { readings: [20, 21, 28] })).toMatchObject({
    body: { data: { mean: 23, farthest: 28 } },
  });
});

test('http-js', { timeout: 120_000 }, async () => {
  await deploy('http-js', { limits: { memory_bytes: 128 * 2 ** 20 } });
  const greeting = await raw('http-js/?name=Ada');
  expect([greeting.status, await greeting.json()]).toEqual([200, { greeting: 'Hello, Ada!' }]);
  const body = Buffer.alloc(2 ** 20, 'abc');
  const echo = await raw('http-js/echo', { method: 'POST', body, headers: { 'content-type': 'text/plain' } });
  expect(echo.headers.get('content-type')).toBe('text/plain');
  expect(Buffer.from(await echo.arrayBuffer()).equals(body)).toBe(true);
  expect((await raw('http-js/nothing')).status).toBe(404);
});

test('http-ts', { timeout: 120_000 }, async () => {
  await deploy('http-ts', { limits: { memory_bytes: 128 * 2 ** 20 } });
  const answer = await raw('http-ts/', { method: 'POST', body: '{"name":"Ada"}' });
  expect([answer.status, await answer.json()]).toEqual([200, { greeting: 'Hello, Ada!' }]);
});

for (const [name, reason] of [
  ['hello-c', noClang],
  ['hello-rust', noRust],
] as const) {
  test.skipIf(reason)(`${name}${skipped(reason)}`, { timeout: 120_000 }, async () => {
    await deploy(name);
    expect(await invoke(name, { name: 'Ada' })).toMatchObject({ body: { data: { you_said: { name: 'Ada' } } } });
  });
}

test.skipIf(noRust)(`http-rust${skipped(noRust)}`, { timeout: 120_000 }, async () => {
  await deploy('http-rust');
  const answer = await raw('http-rust/');
  expect([answer.status, await answer.json()]).toEqual([200, { greeting: 'Hello, World!', method: 'GET' }]);
  expect((await raw('http-rust/other')).status).toBe(404);
});

test.skipIf(noClang)(`http-c${skipped(noClang)}`, async () => {
  await deploy('http-c');
  const answer = await raw('http-c/count?1000');
  expect([answer.status, (await answer.text()).split('\n').length]).toEqual([200, 1001]);
  expect((await raw('http-c/count?3', { method: 'POST' })).status).toBe(405);
  expect((await raw('http-c')).status).toBe(404);
});

test.skipIf(noClang)(`command-c${skipped(noClang)}`, async () => {
  await deploy('command-c', { env: { UNIT: 'octets' }, args: ['one'] });
  const answer = await raw('command-c', { method: 'POST', body: 'two words\n' });
  expect(await answer.json()).toEqual({ octets: 10, words: 2, lines: 1, arguments: 1 });
  await platform.api.until('/v1/fn/_/command-c/logs', (body: { data: { lines: { text: string }[] } }) =>
    body.data.lines.some(({ text }) => text === 'counted 10 bytes'),
  );
});

test.skipIf(noRust)(`command-rust${skipped(noRust)}`, { timeout: 120_000 }, async () => {
  await deploy('command-rust');
  expect(await (await raw('command-rust', { method: 'POST', body: 'b\na\n' })).text()).toBe('a\nb\n');
});

test.skipIf(noClang)(`funless-c${skipped(noClang)}`, async () => {
  await deploy('funless-c');
  expect(await invoke('funless-c', { name: 'Ada' })).toMatchObject({ body: { data: { you_said: { name: 'Ada' } } } });
  expect(await invoke('funless-c', {})).toMatchObject({ status: 422, body: { errors: { code: 'function_error' } } });
});

for (const [lang, world, reason] of [
  ['js', 'handler', ''],
  ['ts', 'handler', ''],
  ['c', 'handler', noClang],
  ['c', 'http', noClang],
  ['rust', 'handler', noRust],
  ['rust', 'http', noRust],
] as const) {
  test.skipIf(reason)(
    `a new project of fn new for ${lang}, ${world} answers${skipped(reason)}`,
    { timeout: 120_000 },
    async () => {
      const name = `new-${lang}-${world}`;
      const directory = join(folder, name);
      execFileSync(process.execPath, [cli, 'fn', 'new', name, '--lang', lang, '--world', world], { cwd: folder });
      execFileSync(process.execPath, [cli, 'fn', 'build', directory], { stdio: 'pipe' });
      const component = readFileSync(join(directory, `${name}.wasm`));
      const manifest = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8'));
      expect(await platform.api.upload('POST', '/v1/fn/_', name, component, { manifest })).toMatchObject({
        status: 201,
      });
      const answer = await invoke(name, { name: 'Ada' });
      expect(answer.status).toBe(200);
      expect(JSON.stringify(answer.body)).toMatch(/Hello, (Ada|World)!|"you_said":\{"name":"Ada"\}/);
    },
  );
}
