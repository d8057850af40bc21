/**
 * Handmade components of WASI 0.3: violations of WASI (types, handles, pointers), which the fixture cannot contain, and
 * forms that other toolchains make (functions lifted synchronously, imports of 0.2 in between).
 */
import { describe, expect, test } from 'vitest';
import { prepareText } from '../../../../test/fixtures/bundles.ts';
import { TestChannel } from '../http/testing/channel.ts';
import { frame } from '../http/testing/function.ts';
import { createFunction } from '../threads/load-function.ts';

type Guest = {
  /** First part of the component: types, imports. */
  readonly before?: string;
  /** Core functions by name: their type, and their definition in the component. `$memory` is defined. */
  readonly functions?: Readonly<Record<string, readonly [type: string, definition: string]>>;
  /** Body of `run`, which returns 0 on success. */
  readonly body: string;
  /** How `run` is lifted. */
  readonly lift?: string;
  /** The rest of the core module. */
  readonly more?: string;
};

function textOf({ before = '', functions = {}, body, lift = '', more = '' }: Guest): string {
  const names = Object.keys(functions);
  return `(component ${before}
    (core module $own (memory (export "memory") 2)) (core instance $own (instantiate $own))
    (alias core export $own "memory" (core memory $memory))
    ${Object.entries(functions)
      .map(([name, [, definition]]) => `(core func $${name} (canon ${definition}))`)
      .join('\n')}
    (core module $m (import "own" "memory" (memory 2))
      ${Object.entries(functions)
        .map(([name, [type]]) => `(import "f" "${name}" (func $${name} ${type}))`)
        .join('\n')}
      (func (export "run") (result i32) ${body}) ${more})
    (core instance $i (instantiate $m (with "own" (instance $own))
      (with "f" (instance ${names.map((name) => `(export "${name}" (func $${name}))`).join(' ')}))))
    (func $run async (result (result)) (canon lift (core func $i "run") ${lift}))
    (instance $r (export "run" (func $run))) (export "wasi:cli/run@0.3.0" (instance $r)))`;
}

async function run(guest: Guest, channel = new TestChannel()) {
  const { modules, ...rest } = await prepareText(textOf(guest));
  const compiled = new Map(modules.map(({ name, bytes }) => [name, new WebAssembly.Module(Uint8Array.from(bytes))]));
  return createFunction('test', { ...rest, modules: compiled }).call(frame({ input: Buffer.from('input') }), channel);
}

const well = { ok: true, output: new Uint8Array(0) };

/** Of 0.2: a pollable for a duration, and waiting for it. */
const clock02 = {
  before: `(import "wasi:io/poll@0.2.3" (instance $poll (export "pollable" (type $p (sub resource)))
      (export "[method]pollable.block" (func (param "self" (borrow $p))))))
    (alias export $poll "pollable" (type $pollable))
    (import "wasi:clocks/monotonic-clock@0.2.3" (instance $clock (alias outer 1 $pollable (type $q))
      (export "pollable" (type $p (eq $q))) (export "subscribe-duration" (func (param "n" u64) (result (own $p))))))`,
  functions: {
    subscribe: ['(param i64) (result i32)', 'lower (func $clock "subscribe-duration")'],
    block: ['(param i32)', 'lower (func $poll "[method]pollable.block")'],
  },
} as const;
const block = (ms: number) => `(call $block (call $subscribe (i64.const ${ms * 1_000_000})))`;

describe('components of other toolchains', () => {
  test('a function that is lifted synchronously', async () => {
    expect(await run({ body: 'i32.const 0' })).toEqual(well);
    expect(await run({ body: 'i32.const 1' })).toMatchObject({ code: 'function_error' });
    expect(await run({ body: 'unreachable' })).toMatchObject({ code: 'function_trap' });
  });

  test('waiting with imports of 0.2, lifted synchronously', async () => {
    expect(await run({ ...clock02, body: `${block(20)} i32.const 0` })).toEqual(well);
  });

  test('waiting with imports of 0.2, lifted with a callback', async () => {
    const returning = { returned: ['(param i32)', 'task.return (result (result))'] } as const;
    const guest: Guest = {
      ...clock02,
      functions: { ...clock02.functions, ...returning },
      lift: 'async (callback (core func $i "callback"))',
      body: `${block(10)} i32.const 1`,
      more: `(func (export "callback") (param i32 i32 i32) (result i32) ${block(10)} (call $returned (i32.const 0)) i32.const 0)`,
    };
    expect(await run(guest)).toEqual(well);
  });

  test('waiting with imports of 0.2 ends with the deadline', async () => {
    const channel = new TestChannel();
    const done = run({ ...clock02, body: `${block(100_000)} i32.const 0` }, channel);
    channel.controller.abort(new Error('the deadline'));
    expect(await done).toMatchObject({ code: 'function_trap', message: 'the deadline' });
  });
});

/** Opens standard output with a stream of `type`, and writes from `at`. */
const writing = (type: string, at: number): Guest => ({
  before: `(type $s (stream ${type})) (import "wasi:cli/stdout@0.3.0" (instance $o
    (export "write-via-stream" (func (param "data" $s) (result (future (result (error u8))))))))`,
  functions: {
    new: ['(result i64)', 'stream.new $s'],
    write: ['(param i32 i32 i32) (result i32)', 'stream.write $s (memory $memory)'],
    open: ['(param i32) (result i32)', 'lower (func $o "write-via-stream")'],
  },
  body: `(local $ends i64) (local.set $ends (call $new)) (drop (call $open (i32.wrap_i64 (local.get $ends))))
    (drop (call $write (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))) (i32.const ${at}) (i32.const 100)))
    i32.const 0`,
});

describe('a violation of WASI ends the call', () => {
  const trap = (message: RegExp) => ({ code: 'function_trap', message: expect.stringMatching(message) });

  test('output that is no bytes', async () => {
    expect(await run(writing('u32', 0))).toMatchObject(trap(/something else than bytes/));
    expect(await run(writing('string', 0))).toMatchObject(trap(/something else than bytes/));
    const number: Guest = {
      before: `(import "wasi:cli/stdout@0.3.0" (instance $o
        (export "write-via-stream" (func (param "data" u32) (result u32)))))`,
      functions: { open: ['(param i32) (result i32)', 'lower (func $o "write-via-stream")'] },
      body: '(drop (call $open (i32.const 7))) i32.const 0',
    };
    expect(await run(number)).toMatchObject({ ok: false, code: 'function_trap' });
  });

  test('output from outside of its memory', async () => {
    expect(await run(writing('u8', -16))).toMatchObject(trap(/outside the bounds/));
  });

  test('unknown handles', async () => {
    const bad: readonly Guest[] = [
      {
        functions: { wait: ['(param i32 i32) (result i32)', 'waitable-set.wait (memory $memory)'] },
        body: 'i32.const 99 i32.const 0 call $wait drop i32.const 0',
      },
      {
        functions: { join: ['(param i32 i32)', 'waitable.join'] },
        body: 'i32.const 99 i32.const 98 call $join i32.const 0',
      },
      {
        before: '(type $s (stream u8))',
        functions: { read: ['(param i32 i32 i32) (result i32)', 'stream.read $s (memory $memory)'] },
        body: 'i32.const 99 i32.const 0 i32.const 10 call $read drop i32.const 0',
      },
    ];
    for (const guest of bad) expect(await run(guest)).toMatchObject({ ok: false, code: 'function_trap' });
  });

  test('a function that the interface does not have', async () => {
    const guest: Guest = {
      before: '(import "wasi:random/random@0.3.0" (instance $x (export "nope" (func))))',
      functions: { nope: ['', 'lower (func $x "nope")'] },
      body: 'call $nope i32.const 0',
    };
    expect(await run(guest)).toMatchObject(trap(/nope/));
  });

  test('a wait longer than any timer', async () => {
    const channel = new TestChannel();
    const guest: Guest = {
      before:
        '(import "wasi:clocks/monotonic-clock@0.3.0" (instance $c (export "wait-for" (func async (param "n" u64)))))',
      functions: { wait: ['(param i64)', 'lower (func $c "wait-for")'] },
      body: '(call $wait (i64.const -1)) i32.const 0',
    };
    const done = run(guest, channel);
    channel.controller.abort(new Error('the deadline'));
    expect(await done).toMatchObject(trap(/the deadline/));
  });
});
