/** Which events run when, with a runner that the test controls and a file in memory. */
import { grantsSchema } from '@skerry/shared/function/manifest.ts';
import { mqttParamsSchema } from '@skerry/shared/function/triggers.ts';
import { type DesiredFunction, desiredFunctionSchema, type RecordedOutcome } from '@skerry/shared/tunnel/protocol.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { KeptEvent, Operation } from '../storage/operations.ts';
import { createCounts } from './counts.ts';
import type { EventAttempt } from './event-call.ts';
import { createRuns, type Runs } from './runs.ts';

const functionWith = (concurrency: number, id = 'f'): DesiredFunction =>
  desiredFunctionSchema.parse({
    id,
    module: '_',
    name: 'hello',
    revision: 4,
    bundle: 'a'.repeat(64),
    limits: { memory_bytes: 1 << 20, timeout_ms: 1_000, input_bytes: 10, output_bytes: 10 },
    env: {},
    args: [],
    instance: 'fresh',
    grants: grantsSchema.parse(undefined),
    retry: { attempts: 3, base_ms: 100, cap_ms: 1_000 },
    triggers: [
      {
        id: 't',
        type: 'mqtt',
        params: mqttParamsSchema.parse({ host: 'h', topic: 'a', placement: 'edge', concurrency }),
      },
    ],
  });

let functions: Map<string, DesiredFunction>;
let file: KeptEvent[];
let operations: Operation[];
let outcomes: RecordedOutcome[];
let calls: { id: string; end: (attempt: Partial<EventAttempt>) => Promise<void> }[];
let runs: Runs;
let mayStart: boolean;
let blamed: boolean;
let lastSeq: number;
let now: number;
const counts = createCounts();

const submit = (operation: Operation, onAnswer: (answer: never) => void = () => undefined) => {
  operations.push(operation);
  const answer = (value: unknown) => onAnswer({ done: true, answer: value } as never);
  if (operation.do === 'end') {
    const before = file.length;
    file = file.filter(({ seq }) => seq !== operation.seq);
    return answer(file.length < before);
  }
  if (operation.do !== 'events') return answer(undefined);
  const { after, trigger, limit } = operation;
  const rest = file.filter((event) => event.trigger === trigger && event.seq > after);
  answer({ events: rest.slice(0, limit.rows), more: rest.length > limit.rows, damaged: 0 });
};

beforeEach(() => {
  vi.useFakeTimers();
  functions = new Map([['f', functionWith(1)]]);
  blamed = true;
  [file, operations, outcomes, calls, mayStart, lastSeq, now] = [[], [], [], [], true, 0, 1_000_000];
  runs = createRuns({
    client: { submit: submit as never, waiting: 0, waitingBytes: 0, state: undefined },
    functions,
    share: { mayStart: () => mayStart, started: () => {}, ended: () => {}, running: 0 },
    counts,
    limitBytes: 1e9,
    call: (_, id) =>
      new Promise((resolve) => {
        const end = async (attempt: Partial<EventAttempt>) => {
          calls = calls.filter((call) => call.id !== id);
          resolve({
            result: { ok: true, output: Buffer.from('1') },
            started: true,
            revision: 4,
            durationUs: 1,
            ...attempt,
          });
          await vi.advanceTimersByTimeAsync(0);
        };
        calls.push({ id, end });
      }),
    isBlamed: () => blamed,
    onOutcome: (outcome) => void outcomes.push(outcome),
    now: () => now,
    random: () => 1,
  });
});
afterEach(() => {
  runs.stop();
  vi.useRealTimers();
});

const event = (id: string, more: Partial<KeptEvent> = {}): KeptEvent => {
  lastSeq += 1;
  const base = { seq: lastSeq, id, named: false, function: 'f', trigger: 't', origin: 'mqtt', createdAt: 1 } as const;
  return { ...base, attempts: 0, notBefore: 0, input: Buffer.from(id), ...more };
};
const record = (...ids: string[]) => {
  for (const id of ids) {
    const one = event(id);
    file.push(one);
    runs.recorded(one);
  }
};
const running = () => calls.map(({ id }) => id);
const failure = (code: 'function_error' | 'agent_busy' | 'runner_lost', started = true): Partial<EventAttempt> => ({
  result: { ok: false, code, message: 'no' },
  started,
});

describe('events of a trigger', () => {
  test('run one after another with a concurrency of 1, and up to the concurrency at once', async () => {
    record('a', 'b', 'c');
    expect(running()).toEqual(['a']);
    await calls[0]?.end({});
    expect(running()).toEqual(['b']);
    functions.set('f', functionWith(2));
    runs.wake();
    expect(running()).toEqual(['b', 'c']);
  });

  test('that were on disk before run oldest first, and later ones after them', async () => {
    functions.set('f', functionWith(1));
    file = Array.from({ length: 700 }, (_, n) => event(`e${n}`));
    runs.opened([{ trigger: 't', function: 'f', events: 700 }]);
    const order: string[] = [];
    for (let n = 0; n < 703; n++) {
      if (n === 5) record('late-1', 'late-2', 'late-3');
      order.push(running()[0] ?? 'none');
      await calls[0]?.end({});
    }
    expect(order).toEqual([...Array.from({ length: 700 }, (_, n) => `e${n}`), 'late-1', 'late-2', 'late-3']);
    expect(running()).toEqual([]);
    expect(outcomes).toHaveLength(703);
  });

  test('do not run twice when the file is opened again in the middle', async () => {
    functions.set('f', functionWith(2));
    record('a', 'b', 'c', 'd');
    runs.opened([{ trigger: 't', function: 'f', events: 4 }]);
    expect(running()).toEqual(['a', 'b']);
    for (let n = 0; n < 4; n++) await calls[0]?.end({});
    expect(outcomes.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('take turns with those of others', () => {
    mayStart = false;
    for (let n = 0; n < 3; n++) record(`t${n}`);
    const others = [0, 1].map((n) => event(`u${n}`, { trigger: 'u' }));
    for (const one of others) runs.recorded(one);
    mayStart = true;
    runs.wake();
    expect(running()).toEqual(['t0', 'u0']);
  });

  test('wait for their function', () => {
    functions.clear();
    record('a');
    expect(running()).toEqual([]);
    functions.set('f', functionWith(1));
    runs.wake();
    expect(running()).toEqual(['a']);
  });

  test('wait while live calls need the runner, and look again by themselves', async () => {
    mayStart = false;
    record('a');
    expect(running()).toEqual([]);
    mayStart = true;
    await vi.advanceTimersByTimeAsync(20);
    expect(running()).toEqual(['a']);
  });
});

describe('an attempt that fails', () => {
  test('is made again after a delay, keeps its place, and finally is the outcome, with the input', async () => {
    record('a', 'b');
    await calls[0]?.end(failure('function_error'));
    expect(operations.at(-1)).toEqual({ do: 'failed', seq: 1, attempts: 1, notBefore: now + 100 });
    expect(running()).toEqual([]);
    await vi.advanceTimersByTimeAsync(100);
    await calls[0]?.end(failure('function_error'));
    await vi.advanceTimersByTimeAsync(200);
    await calls[0]?.end(failure('function_error'));
    expect(outcomes).toMatchObject([{ id: 'a', attempts: 3, revision: 4, result: { code: 'function_error' } }]);
    expect(Buffer.from(outcomes[0]?.input ?? []).toString()).toBe('a');
    expect(running()).toEqual(['b']);
  });

  test('that never started costs none', async () => {
    record('a');
    for (let n = 0; n < 10; n++) {
      await calls[0]?.end(failure('agent_busy', false));
      await vi.advanceTimersByTimeAsync(10_000);
    }
    expect(running()).toEqual(['a']);
    await calls[0]?.end({});
    expect(outcomes).toMatchObject([{ attempts: 1, result: { ok: true } }]);
    expect(outcomes[0]?.input).toBeUndefined();
  });

  test('counts after a restart, and the delay goes on, but never longer than the policy allows', async () => {
    file = [event('a', { attempts: 2, notBefore: now + 86_400_000 })];
    runs.opened([{ trigger: 't', function: 'f', events: 1 }]);
    expect(running()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    await calls[0]?.end(failure('function_error'));
    expect(outcomes).toMatchObject([{ attempts: 3 }]);
  });
});

describe('a loss of the runner', () => {
  test('that is not the function’s fault costs no attempt, but not without an end', async () => {
    blamed = false;
    record('a');
    for (let n = 0; n < 8; n++) {
      await calls[0]?.end(failure('runner_lost'));
      await vi.advanceTimersByTimeAsync(10_000);
    }
    expect(operations).toEqual([]);
    await calls[0]?.end(failure('runner_lost'));
    expect(operations).toMatchObject([{ do: 'failed', attempts: 1 }]);
  });

  test('that is the function’s fault finally makes the event a dead letter', async () => {
    record('a');
    for (let n = 0; n < 3; n++) {
      await calls[0]?.end(failure('runner_lost'));
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(outcomes).toMatchObject([{ attempts: 3, result: { code: 'runner_lost' } }]);
  });
});

describe('a removed function', () => {
  test('begins no event; a running one ends normally, and one that would run again is a dead letter', async () => {
    const before = { ...counts.of('t') };
    functions.set('f', functionWith(2));
    record('a', 'b', 'c');
    runs.keepOnly(new Set());
    functions.clear();
    expect(runs.lastOnes()).toEqual([1, 2]);
    await calls[0]?.end({});
    await calls[0]?.end(failure('function_error'));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(running()).toEqual([]);
    expect(outcomes).toMatchObject([
      { id: 'a', result: { ok: true } },
      { id: 'b', attempts: 1, input: Buffer.from('b'), result: { code: 'code_unavailable' } },
    ]);
    expect(counts.of('t')).toMatchObject({ run: before.run + 2, failed: before.failed + 1, pending: 0 });
    expect(runs.lastOnes()).toEqual([]);
  });

  test('and is back before the file is swept: what is left runs, in order, and nothing twice', async () => {
    record('a', 'b', 'c');
    const fn = functions.get('f');
    functions.clear();
    runs.keepOnly(new Set());
    file = file.filter(({ id }) => id !== 'b');
    runs.keepOnly(new Set(['f']));
    if (fn) functions.set('f', fn);
    runs.wake();
    expect(running()).toEqual(['a']);
    await calls[0]?.end({});
    expect(running()).toEqual(['c']);
  });
});

test('an event that does not run is dropped for a newer one', () => {
  record('a', 'b', 'c');
  expect(runs.giveWay('t')).toMatchObject({ seq: 2 });
  expect(runs.giveWay('t')).toMatchObject({ seq: 3 });
  expect(runs.giveWay('t')).toBeUndefined();
  expect(runs.giveWay('never')).toBeUndefined();
});

test('after a stop nothing begins, and running events end', async () => {
  record('a', 'b');
  runs.stop();
  await calls[0]?.end({});
  expect(outcomes).toMatchObject([{ id: 'a' }]);
  expect(running()).toEqual([]);
});
