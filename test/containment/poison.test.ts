/**
 * Functions whose computing, waiting or requests do harm, beside a healthy one. Each attack is made against a component
 * that runs without jco's glue and one that needs it, because each way has its own checks.
 */
import type { ErrorCode } from '@skerry/shared/errors.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fixture, glued } from './fixture.ts';
import { type Site, startSite } from './platform-under-attack.ts';

const MiB = 1024 * 1024;
/** Milliseconds of deadline for calls that never end by themselves, and for calls that do. */
const timeoutMs = { short: 400, long: 15_000 } as const;

let site: Site;
beforeAll(async () => {
  site = await startSite();
  for (const [name, component] of Object.entries({ linked: fixture('poison'), glued: glued(fixture('poison')) })) {
    await site.deploy(`${name}-short`, component, { limits: { timeout_ms: timeoutMs.short } });
    await site.deploy(`${name}-long`, component, { limits: { timeout_ms: timeoutMs.long } });
    const roomy = { timeout_ms: timeoutMs.long, memory_bytes: 1024 * MiB };
    await site.deploy(`${name}-roomy`, component, { limits: roomy });
  }
}, 60_000);
afterAll(() => site?.close());

describe.each(['linked', 'glued'] as const)('%s', (way) => {
  test.each<[string, ErrorCode]>([
    ['short/spin', 'function_timeout'],
    ['short/wait?600000', 'function_timeout'],
    ['short/waits', 'function_timeout'],
    ['short/noise', 'function_timeout'],
  ])('%s: %s', async (path, code) => {
    const reply = await site.attack(`${way}-${path}`, timeoutMs.short);
    expect(reply).toMatchObject({ code, status: 504 });
    expect((await site.raw(`${way}-short/`)).text).toBe('well');
  });

  test.each<[string, ErrorCode, ErrorCode?]>([
    ['long/deep', 'function_trap'],
    ['long/grow', 'function_out_of_memory'],
    ['long/exit', 'function_trap'],
    // Longer than the memory that should hold it.
    ['long/poll?100000000', 'function_trap'],
    ['long/list?100000000', 'function_trap'],
    // In memory, but too long: jco's glue builds an array of it until the thread's heap is full.
    ['roomy/poll?100000000', 'function_trap', 'function_out_of_memory'],
    ['long/random?2000000000', 'function_trap'],
    ['long/zeroes?2000000000', 'function_trap'],
    ['long/answer?10000', 'function_trap'],
  ])('%s: %s', async (path, linked, withGlue = linked) => {
    const reply = await site.attack(`${way}-${path}`);
    expect(reply).toMatchObject({ code: way === 'linked' ? linked : withGlue, status: 500 });
    expect((await site.raw(`${way}-long/`)).text).toBe('well');
  });

  test('a read of 2 GB from a stream returns the bytes that are there', async () => {
    const { result } = await site.neighbour.during(() =>
      site.raw(`${way}-long/skip?2000000000`, { method: 'POST', body: 'x'.repeat(1_000) }),
    );
    expect(result).toMatchObject({ status: 200, text: '1000' });
  });

  test('headers that would break the head: an error value each, and none of them in the answer', async () => {
    const { status, text, headers } = await site.raw(`${way}-long/inject`);
    const [invalid, forbidden, taken] = ['1', '2', '0'];
    expect({ status, text }).toEqual({
      status: 200,
      text: `${invalid?.repeat(6)}${forbidden?.repeat(2)}${invalid}${taken}`,
    });
    expect([...headers.keys()].filter((name) => name.startsWith('x-') && !name.startsWith('x-skerry'))).toEqual([
      'x-ok',
      'x-request-id',
    ]);
    expect(headers.get('x-a')).toBeNull();
  });

  test('sockets return an error value, for TCP and for UDP', async () => {
    expect((await site.raw(`${way}-long/sockets`)).text).toBe('11');
  });

  test('a function sees no environment of the device, and one argument: a name', async () => {
    expect((await site.raw(`${way}-long/seen`)).text).toBe('1');
  });
});

test('a complete list of 60,000,000 headers', async () => {
  expect((await site.attack('linked-roomy/list?60000000')).code).toBe('function_trap');
});

test('a list of headers that share their bytes takes no more memory than the bytes', async () => {
  const before = site.residentMb();
  expect((await site.attack('linked-long/pile?1000000')).code).toBe('function_trap');
  expect(site.residentMb() - before).toBeLessThan(200);
});

test('handles without an end reach a limit', async () => {
  expect((await site.attack('linked-long/timers')).code).toBe('function_trap');
  expect((await site.attack('linked-long/fields')).code).toBe('function_trap');
});

test('a guest that has waited and then writes without an end is ended at its deadline, and the runner survives', async () => {
  const restarts = await site.metric('skerry_agent_runner_restarts');
  const { code, ms } = await site.attack('linked-short/noise?20', timeoutMs.short);
  expect(code).toBe('function_timeout');
  expect(ms - timeoutMs.short).toBeLessThan(900);
  expect(await site.metric('skerry_agent_runner_restarts')).toBe(restarts);
});

test('a flood of stderr is cut, counted and readable', async () => {
  const before = site.residentMb();
  await site.attack('linked-short/noise', timeoutMs.short);
  expect(site.residentMb() - before).toBeLessThan(100);
  const { body } = await site.platform.api.call('GET', '/v1/fn/_/linked-short/logs?limit=1000');
  const { lines } = (body as { data: { lines: { source: string; text: string }[] } }).data;
  expect(lines.length).toBeGreaterThan(10);
  expect(lines.length).toBeLessThanOrEqual(1_000);
  expect(lines.every(({ text }) => text.length < 200)).toBe(true);
  expect(lines.some(({ text }) => /dropped/.test(text))).toBe(true);
});
