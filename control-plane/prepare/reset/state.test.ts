import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { expect, test } from 'vitest';
import { exposeState } from './state.ts';

const names = async (wat: string) => exposeState(await parse(`(module ${wat})`))?.names;
const everyKind = `(type $t (func (param i32) (result i32))) (table 1 funcref) (elem (i32.const 0) func $f)
  (global $i (mut i32) (i32.const 0)) (global f32 (f32.const 1)) (global $l (mut i64) (i64.const -1))
  (memory (export "memory") 1 2) (data $d "abc")
  (func $f (type $t)
    (block $out (result i32) (loop $again (br_if $again (i32.const 0))
      (if (local.get 0) (then nop) (else (return (i32.const 2)))))
      (block $a (block $b (br_table $a $b $a (i32.const 7))))
      (drop (select (result i64) (i64.const -9223372036854775808) (i64.const 9223372036854775807) (i32.const 1)))
      (drop (f32.const nan:0x200000)) (drop (f64.const -inf)) (drop (i32.trunc_sat_f64_u (f64.const 3)))
      (drop (i64.extend32_s (i64.const 1))) (i64.store offset=4294967295 (i32.const 0) (i64.const 0))
      (memory.init $d (i32.const 0) (i32.const 0) (i32.const 3)) (memory.copy (i32.const 0) (i32.const 1) (i32.const 2))
      (memory.fill (i32.const 0) (i32.const 1) (i32.const 2)) (drop (memory.grow (memory.size)))
      (call_indirect (type $t) (local.get 0) (i32.const 0)) (call $f)))`;

test('the memory and the mutable globals are exported, and nothing else changes', async () => {
  const module = await parse(`(module ${everyKind})`);
  const exposed = exposeState(module);
  expect(exposed?.names).toEqual(['skerry:state/2/0', 'skerry:state/3/0', 'skerry:state/3/2']);
  const compiled = new WebAssembly.Module(Uint8Array.from(exposed?.module ?? []));
  const { exports } = new WebAssembly.Instance(compiled);
  expect(Object.keys(exports)).toEqual(['memory', 'skerry:state/2/0', 'skerry:state/3/0', 'skerry:state/3/2']);
  expect(exports['skerry:state/2/0']).toBe(exports.memory);
  expect((exports['skerry:state/3/2'] as WebAssembly.Global).value).toBe(-1n);
});

test('a module without state does not change', async () => {
  const module = await parse('(module (import "a" "b" (func)) (start 0))');
  expect(exposeState(module)).toEqual({ module, names: [] });
});

test('imported state belongs to another module, and own globals keep their indices', async () => {
  const imports = '(import "a" "m" (memory 1)) (import "a" "t" (table 1 funcref)) (import "a" "g" (global (mut i32)))';
  const module = await parse(`(module ${imports} (global (mut i64) (i64.const 5)) (func (export "f")))`);
  const exposed = exposeState(module);
  expect(exposed?.names).toEqual(['skerry:state/3/1']);
  const memory = new WebAssembly.Instance(
    new WebAssembly.Module(
      Uint8Array.from(
        await parse(
          '(module (memory (export "m") 1) (table (export "t") 1 funcref) (global (export "g") (mut i32) (i32.const 0)))',
        ),
      ),
    ),
  );
  const compiled = new WebAssembly.Module(Uint8Array.from(exposed?.module ?? []));
  const { exports } = new WebAssembly.Instance(compiled, { a: memory.exports });
  expect((exports['skerry:state/3/1'] as WebAssembly.Global).value).toBe(5n);
});

test.each([
  ['an imported table of external references', '(import "a" "b" (table 1 externref))'],
  ['an imported shared memory', '(import "a" "b" (memory 1 1 shared))'],
  ['an imported tag', '(import "a" "b" (tag))'],
  ['a second memory', '(memory 1) (memory 1)'],
  ['a memory besides an imported one', '(import "a" "b" (memory 1)) (memory 1)'],
  ['a shared memory', '(memory 1 1 shared)'],
  ['a memory of 64-bit addresses', '(memory i64 1)'],
  ['a table of external references', '(table 1 externref)'],
  ['a table with initial values', '(func $f) (table 1 funcref (ref.func $f))'],
  ['a mutable float', '(global (mut f32) (f32.const 0))'],
  ['a vector', '(global v128 (v128.const i64x2 0 0))'],
  ['a reference', '(global funcref (ref.null func))'],
  ['an object on the heap', '(type $s (struct (field (mut i32)))) (global (ref $s) (struct.new_default $s))'],
  ['a tag', '(tag)'],
  ['a block of a reference', '(func (drop (block (result (ref null func)) (ref.null func))))'],
  ['a local of a reference', '(func (local (ref null func)))'],
  ['a tail call', '(func $f (return_call $f))'],
  ['an atomic instruction', '(memory 1) (func (drop (i32.atomic.load (i32.const 0))))'],
  ['an export with the reserved prefix', '(memory (export "skerry:state/2/0") 1)'],
])('does not qualify: %s', async (_, wat) => {
  expect(await names(wat)).toBeUndefined();
});
