import { SkerryError } from '@skerry/shared/errors.ts';
import { grantsSchema } from '@skerry/shared/function/manifest.ts';
import type { ApplyError, DesiredFunction } from '@skerry/shared/tunnel/protocol.ts';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { openStore } from '../storage/store.ts';
import { createFunctions } from './active-functions.ts';
import { type Step, stepsTo } from './diff.ts';
import { createReconciler, type DesiredState } from './reconcile.ts';

const log = pino({ level: 'silent' });

function fn(id: string, bundle: string, revision = 1): DesiredFunction {
  return {
    id,
    module: '_',
    name: id,
    revision,
    bundle: bundle.padEnd(64, '0'),
    limits: { memory_bytes: 1 << 20, timeout_ms: 1_000, input_bytes: 10, output_bytes: 10 },
    env: {},
    args: [],
    instance: 'fresh',
    grants: grantsSchema.parse(undefined),
  };
}

const short = (step: Step) => (step.kind === 'collect' ? 'collect' : `${step.kind} ${step.function}`);

describe('difference', () => {
  const actual = (active: DesiredFunction[], held: string[]) => ({
    active: new Map(active.map((one) => [one.id, one])),
    holds: (digest: string) => held.some((name) => digest === name.padEnd(64, '0')),
  });

  test('nothing to do', () => {
    expect(stepsTo([fn('a', '1')], actual([fn('a', '1')], ['1']))).toEqual([]);
    expect(stepsTo([], actual([], []))).toEqual([]);
  });

  test('a serving function is loaded once more when its code is gone', () => {
    const steps = stepsTo([fn('a', '1'), fn('b', '2')], actual([fn('a', '1'), fn('b', '2')], ['2']));
    expect(steps.map(short)).toEqual(['fetch a', 'load a', 'activate a', 'collect']);
  });

  test('removed functions go first, new ones are loaded, unreferenced bundles are deleted', () => {
    const steps = stepsTo([fn('b', '2'), fn('c', '1')], actual([fn('a', '1'), fn('b', '1')], ['1']));
    expect(steps.map(short)).toEqual([
      'deactivate a',
      'fetch b',
      'load b',
      'activate b',
      'load c',
      'activate c',
      'collect',
    ]);
  });
});

/** A reconciler whose steps run when the test lets them, or fail as it says. */
function harness(lives: readonly DesiredFunction[] = [], generation = 0) {
  const memory = openStore(':memory:');
  const held = new Set<string>();
  const store = { ...memory, hasBundle: (digest: string) => held.has(digest) };
  for (const one of lives) store.activate(one);
  store.setMeta('generation', Buffer.from(String(generation)));
  const functions = createFunctions(store);
  const done: string[] = [];
  const reports: { generation: number; errors: ApplyError[] }[] = [];
  const failing = new Map<string, SkerryError>();
  const gates = new Map<string, Promise<void>>();
  let onReport: () => void = () => undefined;
  const reconciler = createReconciler({
    store,
    functions,
    async execute(step) {
      await gates.get(short(step));
      const failure = failing.get(short(step));
      if (failure) throw failure;
      done.push(short(step));
      if (step.kind === 'fetch') held.add(step.digest);
      if (step.kind === 'activate') functions.activate(step.to);
      if (step.kind === 'deactivate') functions.deactivate(step.function);
    },
    report(generation, errors) {
      reports.push({ generation, errors });
      onReport();
    },
    log,
    random: () => 0,
  });
  const reported = () =>
    new Promise<void>((resolve) => {
      onReport = resolve;
    });
  const apply = async (target: DesiredState) => {
    const end = reported();
    reconciler.setTarget(target);
    await end;
  };
  return { store, held, functions, reconciler, done, reports, failing, gates, apply, reported };
}

describe('reconciler', () => {
  test('applies a target, reports it, and remembers its generation', async () => {
    const { apply, reports, store, functions, reconciler } = harness();
    await apply({ generation: 3, functions: [fn('a', '1')] });
    expect(reports).toEqual([{ generation: 3, errors: [] }]);
    expect(functions.active.get('a')?.revision).toBe(1);
    expect(reconciler.applied).toBe(3);
    expect(new TextDecoder().decode(store.getMeta('generation'))).toBe('3');
  });

  test('an unchanged target is reported too, without a step', async () => {
    const { apply, reports, done } = harness();
    await apply({ generation: 3, functions: [] });
    await apply({ generation: 4, functions: [] });
    expect(done).toEqual([]);
    expect(reports.map((report) => report.generation)).toEqual([3, 4]);
  });

  test('a function that fails is named, the others are loaded, the old revision serves, and it is tried again', async () => {
    const { apply, reported, reports, functions, failing, done } = harness();
    await apply({ generation: 1, functions: [fn('bad', '1'), fn('good', '1')] });
    failing.set('load bad', new SkerryError('function_load_failed', 'does not compile'));
    done.length = 0;
    await apply({ generation: 2, functions: [fn('bad', '2', 2), fn('good', '2', 2)] });
    expect(reports.at(-1)).toEqual({
      generation: 2,
      errors: [{ function: 'bad', code: 'function_load_failed', message: 'does not compile' }],
    });
    expect(done).not.toContain('activate bad');
    expect(functions.active.get('bad')?.revision).toBe(1);
    expect(functions.active.get('good')?.revision).toBe(2);

    failing.clear();
    await reported();
    expect(reports.at(-1)).toEqual({ generation: 2, errors: [] });
    expect(functions.active.get('bad')?.revision).toBe(2);
  });

  test('a newer target ends the run of an older one', async () => {
    const { reconciler, reported, reports, gates, done } = harness();
    const gate = Promise.withResolvers<void>();
    gates.set('fetch a', gate.promise);
    reconciler.setTarget({ generation: 1, functions: [fn('a', '1'), fn('b', '1')] });
    const end = reported();
    reconciler.setTarget({ generation: 2, functions: [fn('a', '1')] });
    gate.resolve();
    await end;
    expect(reports).toEqual([{ generation: 2, errors: [] }]);
    expect(done).not.toContain('activate b');
  });
});

describe('code that is lost', () => {
  const [a, b] = [fn('a', '1'), fn('b', '2')];
  const both = { generation: 5, functions: [a, b] };

  test('before the start: its generation is not reported until it is here again', async () => {
    const { reconciler, functions, apply, done, reports } = harness([a], 5);
    expect(reconciler.applied).toBe(0);
    expect([...functions.active.keys()]).toEqual(['a']);
    await apply({ generation: 5, functions: [a] });
    expect(done).toEqual(['fetch a', 'load a', 'activate a', 'collect']);
    expect(reports).toEqual([{ generation: 5, errors: [] }]);
    expect(reconciler.applied).toBe(5);
  });

  test('and found to be so: it is brought again at once, and nothing else is', async () => {
    const { reconciler, held, apply, reported, done, reports } = harness();
    await apply(both);
    done.length = 0;
    held.delete(a.bundle);
    const again = reported();
    reconciler.lost(a.bundle);
    expect(reconciler.applied).toBe(0);
    await again;
    expect(done).toEqual(['fetch a', 'load a', 'activate a', 'collect']);
    expect(reports.at(-1)).toEqual({ generation: 5, errors: [] });
    expect(reconciler.applied).toBe(5);
  });

  test('during a fetch: the generation is reported only when everything is here', async () => {
    const { reconciler, held, apply, reported, done, reports, gates } = harness();
    await apply(both);
    const gate = Promise.withResolvers<void>();
    gates.set('load b', gate.promise);
    const end = reported();
    reconciler.setTarget({ generation: 6, functions: [a, fn('b', '3', 2)] });
    held.delete(a.bundle);
    reconciler.lost(a.bundle);
    gate.resolve();
    await end;
    expect(reports.slice(1)).toEqual([{ generation: 6, errors: [] }]);
    expect(done.slice(-4)).toEqual(['fetch a', 'load a', 'activate a', 'collect']);
  });

  test('and cannot be had: that is reported, in each tunnel; who misses it does not make it be tried more often', async () => {
    const { reconciler, held, store, apply, reported, reports, failing } = harness();
    await apply(both);
    failing.set('fetch a', new SkerryError('code_unavailable', 'there is no tunnel'));
    held.delete(a.bundle);
    const failed = reported();
    reconciler.lost();
    await failed;
    const told = {
      generation: 5,
      errors: [{ function: 'a', code: 'code_unavailable', message: 'there is no tunnel' }],
    };
    expect(reports.slice(1)).toEqual([told]);
    reconciler.lost(a.bundle);
    expect(reconciler.applied).toBe(5);
    reconciler.onUp();
    expect(reports.slice(1)).toEqual([told, told]);
    // After a restart the agent would not know which functions failed.
    expect(new TextDecoder().decode(store.getMeta('generation'))).toBe('0');
    reconciler.stop();
  });
});

describe('functions', () => {
  const never = new AbortController().signal;

  test('an invocation waits for code that is on its way', async () => {
    const { functions, apply } = harness();
    functions.expect(['a']);
    const waiting = functions.ready('a', never);
    await apply({ generation: 1, functions: [fn('a', '1')] });
    expect((await waiting).id).toBe('a');
  });

  test('an invocation of a function that must not be here is refused at once', async () => {
    const { functions } = harness();
    await expect(functions.ready('a', never)).rejects.toMatchObject({ code: 'code_unavailable' });
  });

  test('an invocation that waits while its function is deleted says so', async () => {
    const { functions } = harness();
    functions.expect(['a']);
    const waiting = functions.ready('a', never);
    functions.expect([]);
    await expect(waiting).rejects.toMatchObject({ code: 'code_unavailable', message: 'the function was deleted' });
  });

  test('a function that cannot be applied gives its reason, to waiting and to later invocations', async () => {
    const { functions } = harness();
    functions.expect(['a']);
    const waiting = functions.ready('a', never);
    functions.failed({ function: 'a', code: 'function_load_failed', message: 'no' });
    await expect(waiting).rejects.toMatchObject({ code: 'function_load_failed', message: 'no' });
    await expect(functions.ready('a', never)).rejects.toMatchObject({ code: 'function_load_failed' });
  });

  test('no invocation waits past its deadline', async () => {
    const { functions } = harness();
    functions.expect(['a']);
    const patience = new AbortController();
    const waiting = functions.ready('a', patience.signal);
    patience.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'code_unavailable' });
  });
});
