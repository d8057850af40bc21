/** Guests that try to pass state to the next call of a fresh instance. None may succeed. */
import type { Bundle } from '@skerry/shared/function/bundle.ts';
import { describe, expect, test } from 'vitest';
import { prepareHandler } from '../../../../test/fixtures/bundles.ts';
import { TestChannel } from '../http/testing/channel.ts';
import { createDirectFunction } from './direct-function.ts';

function load({ direct, modules }: Bundle) {
  if (!direct) throw new Error('the bundle has no plan');
  const compiled = modules.map(({ name, bytes }) => [name, new WebAssembly.Module(Uint8Array.from(bytes))] as const);
  return createDirectFunction(direct, new Map(compiled));
}

type Mode = { reuse?: boolean; ahead?: boolean; outputBytes?: number; environment?: string };

/** Answers of consecutive calls. */
async function answers(fn: ReturnType<typeof load>, count: number, mode: Mode = {}): Promise<string[]> {
  const { reuse = false, ahead = false, outputBytes = 100, environment = '{}' } = mode;
  const texts = [];
  for (let seq = 0; seq < count; seq++) {
    const input = Buffer.from('in');
    const call = { seq, timeoutMs: 1_000, digest: '', reuse, streams: false, outputBytes, environment, input };
    const outcome = await fn.call(call, new TestChannel());
    texts.push(outcome.ok ? Buffer.from(outcome.output).toString() : outcome.code);
    if (ahead) fn.makeAhead();
  }
  return texts;
}

type Channel = {
  /** Expression of the state that is visible from an earlier call; 0 for none. */
  hear: string;
  /** Writes state for a later call. */
  say?: string;
  /** Definitions of the test module. */
  with?: string;
  memory?: string;
  realloc?: string;
  /** Code that runs after the host has read the answer. */
  after?: string;
};

/** Answers with the digit of the visible state. */
const guest = ({ hear, say = '', with: more = '', memory = '1', realloc = '', after = '' }: Channel) =>
  prepareHandler(
    `(memory (export "memory") ${memory}) ${more}
     (func (export "realloc") (param i32 i32 i32 i32) (result i32) ${realloc} (i32.const 4096))
     (func (export "after") (param i32) ${after})
     (func (export "invoke") (param i32 i32) (result i32)
       (i32.store8 (i32.const 64) (i32.add (i32.const 48) ${hear}))
       (i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 20) (i32.const 64))
       (i32.store (i32.const 24) (i32.const 1))
       ${say} (i32.const 16))`,
    '(post-return (core func $i "after"))',
  );

const cell = '(i32.load8_u (i32.const 5000))';
const setCell = '(i32.store8 (i32.const 5000) (i32.const 1))';
const nullEntry = '(ref.is_null (table.get $t (i32.const 0)))';
const functions = '(table $t 2 funcref) (func $f) (elem declare func $f)';
const globalOf = (type: string) => `(global $g (mut ${type}) (${type}.const 0))`;

/** Each with whether a reset is proven to clear it. The others get a new instance. */
const channels: [name: string, reset: boolean, channel: Channel][] = [
  ['a byte of memory', true, { hear: cell, say: setCell }],
  [
    'the last byte of memory',
    true,
    { hear: '(i32.load8_u (i32.const 65535))', say: '(i32.store8 (i32.const 65535) (i32.const 1))' },
  ],
  [
    'bulk operations on memory',
    true,
    {
      with: '(data $d "\\01")',
      hear: '(i32.load8_u (i32.const 5002))',
      say: `(memory.init $d (i32.const 5000) (i32.const 0) (i32.const 1))
            (memory.copy (i32.const 5001) (i32.const 5000) (i32.const 1))
            (memory.fill (i32.const 5002) (i32.load8_u (i32.const 5001)) (i32.const 9))`,
    },
  ],
  ['an i32 global', true, { with: globalOf('i32'), hear: '(global.get $g)', say: '(global.set $g (i32.const 1))' }],
  [
    'an i64 global',
    true,
    {
      with: globalOf('i64'),
      hear: '(i32.wrap_i64 (i64.shr_u (global.get $g) (i64.const 63)))',
      say: '(global.set $g (i64.const -1))',
    },
  ],
  [
    'a global that is exported, too',
    true,
    {
      with: '(global $g (export "g") (mut i32) (i32.const 0))',
      hear: '(global.get $g)',
      say: '(global.set $g (i32.const 1))',
    },
  ],
  [
    'an f64 global',
    false,
    {
      with: globalOf('f64'),
      hear: '(i32.trunc_f64_s (global.get $g))',
      say: '(global.set $g (f64.const 1))',
    },
  ],
  ['post-return', true, { hear: cell, after: setCell }],
  [
    'the allocator',
    true,
    {
      hear: `(i32.gt_u ${cell} (i32.const 1))`,
      realloc: '(i32.store8 (i32.const 5000) (i32.add (i32.const 1) (i32.load8_u (i32.const 5000))))',
    },
  ],
  [
    'the size of memory',
    true,
    { hear: '(i32.sub (memory.size) (i32.const 1))', say: '(drop (memory.grow (i32.const 1)))' },
  ],
  [
    'memory that has grown',
    true,
    {
      hear: '(if (result i32) (i32.gt_u (memory.size) (i32.const 1)) (then (i32.load8_u (i32.const 70000))) (else (i32.const 0)))',
      say: '(drop (memory.grow (i32.const 1))) (i32.store8 (i32.const 70000) (i32.const 1))',
    },
  ],
  [
    'a change after the start function',
    true,
    {
      with: `${globalOf('i32')} (func $s (global.set $g (i32.const 5)) (i32.store8 (i32.const 5000) (i32.const 5))) (start $s)`,
      hear: `(i32.add (i32.sub (global.get $g) (i32.const 5)) (i32.sub ${cell} (i32.const 5)))`,
      say: '(global.set $g (i32.const 6)) (i32.store8 (i32.const 5000) (i32.const 6))',
    },
  ],
  [
    'table.set',
    false,
    {
      with: functions,
      hear: `(i32.eqz ${nullEntry})`,
      say: '(table.set $t (i32.const 0) (ref.func $f))',
    },
  ],
  [
    'table.fill',
    false,
    {
      with: functions,
      hear: `(i32.eqz ${nullEntry})`,
      say: '(table.fill $t (i32.const 0) (ref.func $f) (i32.const 1))',
    },
  ],
  [
    'table.grow',
    false,
    {
      with: functions,
      hear: '(i32.sub (table.size $t) (i32.const 2))',
      say: '(drop (table.grow $t (ref.null func) (i32.const 1)))',
    },
  ],
  [
    'table.init',
    false,
    {
      with: `(type $v (func)) (table $t 2 funcref) (func $f) (elem $e func $f) (table $u 1 funcref)
             (func $probe (result i32) (table.get $t (i32.const 0)) (ref.is_null) (i32.eqz))`,
      hear: '(call $probe)',
      say: '(table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1))',
    },
  ],
  [
    'elem.drop',
    false,
    {
      with: '(table $t 2 funcref) (func $f) (elem $e func $f)',
      hear: '(block (result i32) (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1)) (i32.const 0))',
      say: '(elem.drop $e)',
    },
  ],
  [
    'data.drop',
    false,
    {
      with: '(data $d "x")',
      hear: '(block (result i32) (memory.init $d (i32.const 6000) (i32.const 0) (i32.const 1)) (i32.const 0))',
      say: '(data.drop $d)',
    },
  ],
  [
    'a global that holds a reference',
    false,
    {
      with: '(global $g (mut funcref) (ref.null func)) (func $f) (elem declare func $f)',
      hear: '(i32.eqz (ref.is_null (global.get $g)))',
      say: '(global.set $g (ref.func $f))',
    },
  ],
  [
    'instructions unknown to the checker, here SIMD',
    false,
    { hear: cell, say: '(v128.store (i32.const 5000) (v128.const i32x4 1 1 1 1))' },
  ],
];

describe.each(channels)('%s', (_, reset, channel) => {
  test('a fresh call passes nothing to the next one', async () => {
    const bundle = await guest(channel);
    expect(bundle.direct?.state !== undefined).toBe(reset);
    expect(await answers(load(bundle), 4)).toEqual(['0', '0', '0', '0']);
    expect(await answers(load(bundle), 4, { ahead: true })).toEqual(['0', '0', '0', '0']);
  });

  test('the same code does pass state in a reused instance', async () => {
    const [first, second] = await answers(load(await guest(channel)), 2, { reuse: true });
    expect(first).toBe('0');
    expect(second).not.toBe('0');
  });
});

describe('instances', () => {
  const cellGuest = () => guest({ hear: cell, say: setCell });

  test('fresh and reused calls pass nothing to each other', async () => {
    const fn = load(await cellGuest());
    expect(await answers(fn, 2)).toEqual(['0', '0']);
    expect(await answers(fn, 3, { reuse: true })).toEqual(['0', '1', '1']);
    expect(await answers(fn, 2, { ahead: true })).toEqual(['0', '0']);
    expect(await answers(fn, 2, { reuse: true })).toEqual(['0', '1']);
    expect(await answers(fn, 2, { reuse: true, environment: '{"env":{}}' })).toEqual(['0', '1']);
  });

  test('a call that traps leaves nothing behind', async () => {
    const trap = await guest({ hear: cell, say: `${setCell} unreachable` });
    expect(await answers(load(trap), 3, { ahead: true })).toEqual(Array(3).fill('function_trap'));
    const late = await guest({ hear: cell, say: setCell, after: `(if ${cell} (then unreachable))` });
    expect(await answers(load(late), 2)).toEqual(Array(2).fill('function_trap'));
  });

  test('a call with an oversized answer leaves nothing behind', async () => {
    const fn = load(await cellGuest());
    expect(await answers(fn, 2, { outputBytes: 0 })).toEqual(Array(2).fill('function_output_too_large'));
    expect(await answers(fn, 2)).toEqual(['0', '0']);
  });

  test('with more memory than is worth resetting are replaced', async () => {
    const large = await guest({ hear: cell, say: setCell, memory: '33' });
    expect(await answers(load(large), 3)).toEqual(['0', '0', '0']);
  });

  test('kept instances are dropped on demand', async () => {
    const fn = load(await cellGuest());
    await answers(fn, 1, { ahead: true });
    fn.dropAhead();
    expect(await answers(fn, 2)).toEqual(['0', '0']);
  });
});
