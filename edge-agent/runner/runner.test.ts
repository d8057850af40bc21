/** Calls through the runner, with its real process and threads, and real components in them. */
import { describe, expect, test } from 'vitest';
import { call, digests, start, started, text } from './testing/harness.ts';

/** `glued` is the same code without its direct plan. */
describe.each(['handler', 'glued'] as const)('a handler without imports: %s', (handler) => {
  test('answers, in a fresh instance each time; the first call is cold', async () => {
    const runner = start();
    const results = [];
    for (let round = 0; round < 4; round++) results.push(await call(runner, handler, '{"n":1}'));
    expect(results.map(text)).toEqual(Array(4).fill('{"echo":{"n":1},"count":1}'));
    expect(results.map(({ cold }) => cold)).toEqual([true, false, false, false]);
    expect(results.every(({ started: was, durationUs }) => was && durationUs > 0)).toBe(true);
  });

  test('keeps its instance with reuse, until it traps', async () => {
    const runner = start({ threads: 1 });
    const reuse = { instance: 'reuse' } as const;
    expect(text(await call(runner, handler, '1', reuse))).toBe('{"echo":1,"count":1}');
    expect(text(await call(runner, handler, '2', reuse))).toBe('{"echo":2,"count":2}');
    expect(text(await call(runner, handler, '"fail"', reuse))).toBe('function_error: asked to fail');
    expect(text(await call(runner, handler, '4', reuse))).toBe('{"echo":4,"count":4}');
    expect(text(await call(runner, handler, '"crash"', reuse))).toMatch(/^function_trap: .*unreachable/);
    expect(text(await call(runner, handler, '5', reuse))).toBe('{"echo":5,"count":1}');
  });

  test('a function is loaded in advance, and unloaded', async () => {
    const runner = start();
    await runner.load(digests[handler]);
    expect((await call(runner, handler, '1')).cold).toBe(false);
    runner.unload(digests[handler]);
    expect((await call(runner, handler, '1')).cold).toBe(true);
  });

  test('many calls at once are all answered, each with its own answer', async () => {
    const runner = start();
    const results = await Promise.all(Array.from({ length: 80 }, (_, n) => call(runner, handler, String(n))));
    expect(results.map(text)).toEqual(Array.from({ length: 80 }, (_, n) => `{"echo":${n},"count":1}`));
    expect(runner.stats()).toMatchObject({ running: 0, queued: 0, threads: 2, restarts: 0 });
  });

  test('returns megabytes, and no more than its limit', async () => {
    const runner = start();
    const big = await call(runner, handler, '{"big":3000000}', { outputBytes: 3_000_000 });
    expect(text(big)).toHaveLength(3_000_000);
    expect(text(await call(runner, handler, '{"big":3000001}', { outputBytes: 3_000_000 }))).toMatch(
      /^function_output_too_large/,
    );
  });
});

describe('a handler with imports', () => {
  test('sees the declared values and nothing else', async () => {
    const runner = start();
    process.env.SKERRY_TEST_SECRET = 'seen';
    expect(text(await call(runner, 'host', '{"env":"GIVEN"}', { see: { env: { GIVEN: 'value' } } }))).toBe('"value"');
    expect(text(await call(runner, 'host', '{"env":"SKERRY_TEST_SECRET"}'))).toBe('function_error: not set');
    expect(text(await call(runner, 'host', '{"env":"GIVEN"}'))).toBe('function_error: not set');
    expect(text(await call(runner, 'host', '{"open":"/etc/hostname"}'))).toMatch(/^function_error: /);
    expect(text(await call(runner, 'host', '{"random":700000000}'))).toMatch(/^function_/);
    delete process.env.SKERRY_TEST_SECRET;
  });

  test('may wait, and keeps its thread', async () => {
    const runner = start({ threads: 1 });
    const slept = await call(runner, 'host', '{"sleep":50}');
    expect(text(slept)).toBe('"slept"');
    expect(slept.durationUs).toBeGreaterThanOrEqual(50_000);
    expect(text(await call(runner, 'host', '{"sleep":60000}', { timeoutMs: 100 }))).toMatch(/^function_timeout/);
    expect(text(await call(runner, 'host', '{"write":1}'))).toBe('"written"');
  });
});

describe('a command', () => {
  test.each(['command', 'run'] as const)('%s: input, output, environment, arguments', async (name) => {
    const runner = start();
    expect(text(await call(runner, name, '{"x":[1]}'))).toBe('{"x":[1]}');
    expect(text(await call(runner, name, '{"env":"GIVEN"}', { see: { env: { GIVEN: 'value' } } }))).toBe('"value"');
    expect(text(await call(runner, name, '{"env":"PATH"}'))).toBe('null');
    expect(text(await call(runner, name, '{"args"}', { see: { args: ['a', 'b'] } }))).toBe('["a","b"]');
    expect(text(await call(runner, name, '{"sleep":10}'))).toBe('{"sleep":10}');
  });

  test('its exit code and stderr make the error', async () => {
    const runner = start();
    expect(text(await call(runner, 'command', '{"exit":3}'))).toBe('function_error: exited with code 1');
    expect(text(await call(runner, 'command', '{"exit":0}'))).toBe('');
    expect(text(await call(runner, 'command', '{"stderr"}'))).toBe(
      'function_error: exited with code 1: something went wrong',
    );
    expect(text(await call(runner, 'command', '{"trap"}'))).toMatch(/^function_trap/);
  });

  test('stdout is bounded, stderr is unbounded', async () => {
    const runner = start();
    expect(text(await call(runner, 'command', '{"big":5000}', { outputBytes: 4096 }))).toMatch(/^function_output_too/);
    expect(text(await call(runner, 'command', '{"noise":70000}'))).toBe('{"noise":70000}');
  });
});

describe('limits', () => {
  test('a tight loop ends at its deadline, and other calls are served meanwhile', async () => {
    const runner = start();
    await call(runner, 'handler', '0');
    const order: string[] = [];
    const spin = call(runner, 'handler', '"spin"', { timeoutMs: 1_500 }).then((result) => {
      order.push('spin');
      return result;
    });
    for (let n = 0; n < 100; n++) expect((await call(runner, 'handler', String(n))).result.ok).toBe(true);
    order.push('neighbours');
    expect(text(await spin)).toMatch(/^function_timeout/);
    expect(order).toEqual(['neighbours', 'spin']);
    expect(text(await call(runner, 'handler', '1'))).toBe('{"echo":1,"count":1}');
  });

  test('a tight loop delays no short calls that arrived with it', async () => {
    const runner = start();
    for (let round = 0; round < 20; round++) {
      await Promise.all(Array.from({ length: 40 }, (_, n) => call(runner, 'handler', String(n))));
    }
    let spinning = true;
    const mixed = Array.from({ length: 40 }, async (_, n) => {
      if (n !== 3) return { result: await call(runner, 'handler', String(n)), spinning };
      const result = await call(runner, 'handler', '"spin"', { timeoutMs: 2_000 });
      spinning = false;
      return { result, spinning: true };
    });
    const ends = await Promise.all(mixed);
    expect(ends.every((end) => end.spinning)).toBe(true);
    expect(ends.filter(({ result }) => result.result.ok)).toHaveLength(39);
  });

  test('every thread may spin; waiting calls run after the deadline', async () => {
    const runner = start();
    const spins = Array.from({ length: 6 }, () => call(runner, 'handler', '"spin"', { timeoutMs: 400 }));
    const patient = call(runner, 'handler', '1');
    for (const result of await Promise.all(spins)) expect(text(result)).toMatch(/^function_timeout/);
    expect(text(await patient)).toBe('{"echo":1,"count":1}');
  });

  test('memory has its maximum', async () => {
    const runner = start();
    expect(text(await call(runner, 'handler', '{"big":3000000}', { outputBytes: 4_000_000 }))).toHaveLength(3_000_000);
    expect(text(await call(runner, 'small', '{"big":3000000}', { outputBytes: 4_000_000 }))).toMatch(/^function_/);
    expect(text(await call(runner, 'small', '"alloc"'))).toBe('function_error: out of memory');
    expect(text(await call(runner, 'small', '"grow"'))).toMatch(/^function_out_of_memory/);
    expect(text(await call(runner, 'small', '1'))).toBe('{"echo":1,"count":1}');
  });

  test('endless recursion is a trap', async () => {
    const runner = start();
    expect(text(await call(runner, 'handler', '"deep"'))).toMatch(/^function_trap/);
  });

  test('beyond the queue the agent is busy', async () => {
    const runner = start({ threads: 1, queue: 2 });
    await runner.load(digests.handler);
    const spins = Array.from({ length: 6 }, () => call(runner, 'handler', '"spin"', { timeoutMs: 300 }));
    const refused = await call(runner, 'handler', '1');
    expect(text(refused)).toMatch(/^agent_busy/);
    expect(refused.started).toBe(false);
    for (const result of await Promise.all(spins)) expect(text(result)).toMatch(/^function_timeout/);
  });

  test('a call whose deadline passes while it waits was never started', async () => {
    const runner = start({ threads: 1 });
    await runner.load(digests.handler);
    const { result: spin } = await started(runner, 'handler', '"spin"', { timeoutMs: 1_000 });
    const late = await call(runner, 'handler', '1', { timeoutMs: 100 });
    expect(text(late)).toMatch(/^function_timeout/);
    expect(late.started).toBe(false);
    expect((await spin).started).toBe(true);
  });
});

describe('cancel', () => {
  test('ends running and waiting calls, and frees the thread', async () => {
    const runner = start({ threads: 1 });
    await runner.load(digests.handler);
    const spins = [];
    for (let n = 0; n < 6; n++) spins.push(call(runner, 'handler', '"spin"', { id: `spin-${n}` }));
    for (let n = 5; n >= 0; n--) runner.cancel(`spin-${n}`);
    for (const result of await Promise.all(spins)) expect(text(result)).toMatch(/^cancelled/);
    runner.cancel('spin-0');
    expect(text(await call(runner, 'handler', '1'))).toBe('{"echo":1,"count":1}');
  });

  test('of short calls, at any moment: every one of them is answered, and soon', async () => {
    const runner = start({ threads: 2 });
    await runner.load(digests.handler);
    let answered = 0;
    const burst = async (round: number) => {
      const calls = Array.from({ length: 32 }, (_, n) =>
        call(runner, 'handler', '1', { id: `${round}-${n}`, timeoutMs: 60_000 }).then((result) => {
          answered += 1;
          // Like a caller that disconnects when the first answers arrive.
          if (n === round % 8) for (let other = 0; other < 32; other++) runner.cancel(`${round}-${other}`);
          return text(result);
        }),
      );
      return Promise.all(calls);
    };
    for (let round = 0; round < 100; round++) {
      for (const answer of await burst(round)) expect(answer).toMatch(/^(\{"echo":1|cancelled|runner_lost)/);
    }
    expect(answered).toBe(3_200);
    expect(runner.stats()).toMatchObject({ running: 0, queued: 0, restarts: 0 });
  });
});
