/** The consequences of the end of the runner's process for calls, and the rights of the process. */
import { readFileSync } from 'node:fs';
import { SkerryError } from '@skerry/shared/errors.ts';
import { providedInterfaces } from '@skerry/shared/wit/provided.ts';
import { afterAll, describe, expect, test } from 'vitest';
import { call, digests, killRunner, runnerPids, start, started, text } from '../testing/harness.ts';

afterAll(() => {
  expect(runnerPids()).toEqual([]);
});

describe('the process', () => {
  test('killed during a call: the call is lost at once, and the next one works', async () => {
    const runner = start();
    await runner.load(digests.handler);
    const { result } = await started(runner, 'handler', '"spin"', { timeoutMs: 60_000 });
    killRunner();
    const lost = await result;
    expect(text(lost)).toMatch(/^runner_lost/);
    expect(lost.started).toBe(true);
    const next = await call(runner, 'handler', '1');
    expect(text(next)).toBe('{"echo":1,"count":1}');
    expect(next.cold).toBe(true);
    expect(runner.stats().restarts).toBe(1);
  });

  test('killed: waiting calls run in the next process', async () => {
    const runner = start({ threads: 1 });
    await runner.load(digests.handler);
    const first = [];
    for (let n = 0; n < 3; n++) first.push(call(runner, 'handler', '"spin"'));
    const { result: last } = await started(runner, 'handler', '"spin"');
    const waits = call(runner, 'handler', '1');
    killRunner();
    for (const result of await Promise.all([...first, last])) expect(text(result)).toMatch(/^runner_lost/);
    expect(text(await waits)).toBe('{"echo":1,"count":1}');
  });

  test('a function that ends the process or its thread ends nothing else', async () => {
    const runner = start();
    expect(text(await call(runner, 'hostile', 'kill'))).toMatch(/^runner_lost/);
    expect(text(await call(runner, 'handler', '1'))).toBe('{"echo":1,"count":1}');
    expect(text(await call(runner, 'hostile', 'exit'))).toMatch(/^function_trap: the thread ended/);
    expect(text(await call(runner, 'handler', '1'))).toBe('{"echo":1,"count":1}');
  });

  test('has no files, no network, no children, no environment', async () => {
    const runner = start();
    for (const attempt of ['read', 'write', 'spawn', 'connect', 'listen']) {
      expect(`${attempt}: ${text(await call(runner, 'hostile', attempt))}`).toBe(`${attempt}: ERR_ACCESS_DENIED`);
    }
    expect(text(await call(runner, 'hostile', 'env'))).toBe('{}');
  });

  test('a component gets exactly the interfaces that upload promises', async () => {
    const imports = await call(start(), 'hostile', 'imports');
    expect(JSON.parse(text(imports))).toEqual(providedInterfaces.toSorted());
  });

  test('is ended first when memory is short', async () => {
    const runner = start();
    await runner.load(digests.handler);
    const scores = runnerPids().map((pid) => readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim());
    expect(scores).toEqual(['1000']);
  });

  test('closing answers every call', async () => {
    const runner = start({ threads: 1 });
    await runner.load(digests.handler);
    const all = Array.from({ length: 6 }, () => call(runner, 'handler', '"spin"'));
    await runner.close();
    const codes = (await Promise.all(all)).map((result) => text(result).split(':')[0]);
    expect(codes).toEqual([...Array(4).fill('runner_lost'), ...Array(2).fill('agent_draining')]);
    expect(text(await call(runner, 'handler', '1'))).toMatch(/^agent_draining/);
  });
});

test('a missing or unreadable bundle is reported as such, not as a fault of the function', async () => {
  for (const readBundle of [
    () => undefined,
    () => {
      throw new SkerryError('store_unavailable', 'the disk is full');
    },
  ]) {
    const runner = start({ readBundle });
    await expect(runner.load(digests.handler)).rejects.toMatchObject({ code: 'code_unavailable' });
    const result = await call(runner, 'handler', '1');
    expect(text(result)).toMatch(/^code_unavailable/);
    expect(result.started).toBe(false);
  }
});

test('a broken bundle fails to load', async () => {
  const runner = start();
  await expect(runner.load(digests.broken)).rejects.toMatchObject({ code: 'function_load_failed' });
  const result = await call(runner, 'broken', '1');
  expect(text(result)).toMatch(/^function_load_failed/);
  expect(result.started).toBe(false);
  expect(text(await call(runner, 'handler', '1'))).toBe('{"echo":1,"count":1}');
});
