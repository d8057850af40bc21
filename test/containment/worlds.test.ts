/** Faults of handlers, HTTP functions and commands: traps, exits, answers that are too large or absent, bad starts. */
import type { ErrorCode } from '@skerry/shared/errors.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { handlerOf } from '../fixtures/handler-of.ts';
import { fixture } from './fixture.ts';
import { type Site, startSite } from './platform-under-attack.ts';

const MiB = 1024 * 1024;
const timeoutMs = 400;

let site: Site;
beforeAll(async () => {
  site = await startSite();
  const limits = { timeout_ms: 5_000, memory_bytes: 64 * MiB, output_bytes: 100_000, body_bytes: 1_000_000 };
  await site.deploy('fresh', fixture('handler'), { limits });
  await site.deploy('reused', fixture('handler'), { limits, instance: 'reuse' });
  await site.deploy('web', fixture('http'), { limits });
  await site.deploy('command', fixture('command'), { limits });
  await site.deploy('component', fixture('run'), { limits });
  await site.deploy('host', fixture('host'), { limits, env: { GIVEN: 'yes' } });
}, 60_000);
afterAll(() => site?.close());

describe.each(['fresh', 'reused'])('a handler: %s', (name) => {
  test.each<[string, unknown, ErrorCode]>([
    ['infinite recursion', 'deep', 'function_trap'],
    ['a trap', 'crash', 'function_trap'],
    ['all memory, then its error', 'alloc', 'function_error'],
    ['all memory, then a trap', 'grow', 'function_out_of_memory'],
    ['an answer over the limit', { big: 200_000 }, 'function_output_too_large'],
    ['an answer larger than its memory', { big: 1_000_000_000 }, 'function_trap'],
  ])('%s', async (_, args, code) => {
    expect((await site.attackCall(name, args)).code).toBe(code);
    const after = await site.call(name, 1);
    expect(after.status).toBe(200);
    expect(JSON.parse(after.text)).toMatchObject({ data: { echo: 1 } });
  });
});

test.each<[string, number, ErrorCode]>([
  ['noset', 504, 'function_no_answer'],
  ['trap', 500, 'function_trap'],
  ['err', 502, 'function_http_error'],
  ['nopermit', 500, 'function_trap'],
])('an HTTP function: /%s', async (path, status, code) => {
  expect(await site.attack(`web/${path}`)).toMatchObject({ status, code });
  expect((await site.raw('web/404')).status).toBe(404);
});

test.each(['drop', 'short', 'midtrap'])('an HTTP answer that ends too early is no answer: /%s', async (path) => {
  const broken = site.raw(`web/${path}`).then(({ code }) => code ?? 'whole');
  await expect(broken.catch(() => 'cut')).resolves.toMatch(/^(cut|function_http_error|function_trap)$/);
  expect((await site.raw('web/nobody')).status).toBe(204);
});

test('an HTTP answer over limits.body_bytes is cut off there', async () => {
  await expect(site.raw('web/big?3000000')).rejects.toThrow();
  expect((await site.raw('web/big?900000')).text.length).toBe(900_000);
});

test.each(['command', 'component'])('%s: exits, output and environment', async (name) => {
  expect(await site.attackCall(name, { exit: 3 })).toMatchObject({ status: 422, code: 'function_error' });
  expect((await site.attackCall(name, { exit: 0 })).code).toBe('function_output_invalid');
  expect((await site.attackCall(name, { big: 1_000_000_000 })).code).toBe('function_output_too_large');
  expect((await site.attackCall(name, 'trap')).code).toBe('function_trap');
  for (const variable of ['PATH', 'HOME', 'SKERRY_JOIN_TOKEN', 'SKERRY_SERVER']) {
    expect(JSON.parse((await site.call(name, { env: variable })).text)).toEqual({ data: null });
  }
  expect(JSON.parse((await site.call(name, 'args')).text)).toEqual({ data: [] });
  expect(JSON.parse((await site.call(name, { fine: 1 })).text)).toEqual({ data: { fine: 1 } });
});

test('a component with libc sees the environment that the manifest declares', async () => {
  expect(JSON.parse((await site.call('host', { env: 'GIVEN' })).text)).toEqual({ data: 'yes' });
  expect((await site.call('host', { env: 'PATH' })).code).toBe('function_error');
  expect((await site.call('host', { open: '/etc/passwd' })).code).toBe('function_error');
  expect((await site.attackCall('host', { random: 2_000_000_000 })).code).not.toBeUndefined();
});

describe('at the start', () => {
  const body =
    '(func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 8) (func (export "invoke") (param i32 i32) (result i32) i32.const 16)';

  test('512 MB of memory is refused by name at the upload', async () => {
    const component = await handlerOf(`(memory (export "memory") 8192) ${body}`);
    const { status, body: answer } = await site.platform.api.upload('POST', '/v1/fn/_', 'large', component);
    expect(status).toBe(422);
    expect(answer).toMatchObject({ errors: { code: 'component_rejected' } });
    expect(JSON.stringify(answer)).toMatch(/536870912 bytes of memory.*limits\.memory_bytes/);
  });

  test('a function may use its 512 MB of memory, and no more', async () => {
    const component = await handlerOf(`(memory (export "memory") 8192) ${body}`);
    await site.deploy('large', component, { limits: { memory_bytes: 1024 * MiB } });
    expect((await site.attackCall('large', 1)).code).toBe('function_output_invalid');
  });

  test('a start function that never ends', async () => {
    const component = await handlerOf(`(memory (export "memory") 1) ${body} (func $s (loop $l (br $l))) (start $s)`);
    await site.deploy('slow-start', component, { limits: { timeout_ms: timeoutMs } });
    for (let n = 0; n < 2; n++) {
      expect((await site.attackCall('slow-start', 1, timeoutMs)).code).toBe('function_timeout');
    }
  });

  test('a start function that traps, and one that takes all memory', async () => {
    await site.deploy(
      'bad-start',
      await handlerOf(`(memory (export "memory") 1) ${body} (func $s unreachable) (start $s)`),
    );
    expect((await site.attackCall('bad-start', 1)).code).toBe('function_trap');
    const hungry =
      '(func $s (loop $l (br_if $l (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable) (start $s)';
    await site.deploy('hungry-start', await handlerOf(`(memory (export "memory") 1) ${body} ${hungry}`));
    // The test has no access to the guest's memory, so it cannot see that it was full.
    expect((await site.attackCall('hungry-start', 1)).code).toBe('function_trap');
  });
});

test('two functions with the same code and settings share no instance, even with reuse', async () => {
  for (const name of ['mine', 'yours']) await site.deploy(name, fixture('http'), { instance: 'reuse' });
  const counted = async (name: string): Promise<number> => JSON.parse((await site.raw(`${name}/count`)).text).count;
  for (let call = 0; call < 5; call++) await counted('mine');
  expect(await counted('yours')).toBe(1);
  for (let call = 0; call < 5; call++) await counted('yours');
  expect(await counted('mine')).toBeLessThanOrEqual(6);
});
