/** Calls without glue, of guests that follow the canonical ABI and of guests that break it. */

import { type Bundle, decodeBundle } from '@skerry/shared/function/bundle.ts';
import { expect, test } from 'vitest';
import { prepareFixture, prepareHandler } from '../../../../test/fixtures/bundles.ts';
import { DirectInstance } from './direct-instance.ts';

const pageBytes = 65_536;

function instantiate({ direct, modules }: Bundle): DirectInstance {
  if (!direct) throw new Error('the bundle has no short way');
  const compiled = modules.map(({ name, bytes }) => [name, new WebAssembly.Module(Uint8Array.from(bytes))] as const);
  return new DirectInstance(direct, new Map(compiled));
}

function text(instance: DirectInstance, input: string | Uint8Array, outputBytes = 1_000): string {
  const outcome = instance.call(Buffer.from(input), outputBytes);
  return outcome.ok ? Buffer.from(outcome.output).toString() : `${outcome.code}: ${outcome.message}`;
}

/** A guest whose input is at 4096 and whose result is three numbers at 16. */
const guest = ({ answer = [0, 4096, 2], realloc = 4096, at = 16, more = '' } = {}) => `
  (memory (export "memory") 1)
  (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const ${realloc}))
  (func (export "invoke") (param i32 i32) (result i32)
    ${answer.map((value, n) => `(i32.store (i32.const ${16 + 4 * n}) (i32.const ${value}))`).join(' ')}
    (i32.const ${at}))
  ${more}`;

test('a call returns its input, also a long one', async () => {
  const bundle = decodeBundle((await prepareFixture('handler')).bundle);
  const instance = instantiate(bundle);
  expect(text(instance, '{"a":"ü"}')).toBe('{"echo":{"a":"ü"},"count":1}');
  expect(text(instance, '"fail"')).toBe('function_error: asked to fail');
  const long = `"${'x'.repeat(300_000)}"`;
  expect(text(instance, long, 400_000)).toBe(`{"echo":${long},"count":3}`);
  expect(text(instance, long, 300_000)).toMatch(/^function_output_too_large: .* over 300000/);
  expect(instance.spent).toBe(false);
  expect(text(instance, '"crash"')).toMatch(/^function_trap: .*unreachable/);
  expect(instance.spent).toBe(true);
});

test('empty texts', async () => {
  const answer = [0, pageBytes, 0];
  expect(text(instantiate(await prepareHandler(guest({ answer, realloc: -1 }))), '')).toBe('');
});

test('invalid UTF-8 is replaced in both directions, and a byte order mark is dropped', async () => {
  const instance = instantiate(decodeBundle((await prepareFixture('handler')).bundle));
  expect(text(instance, Uint8Array.from([0x22, 0xff, 0x22]))).toBe('{"echo":"\ufffd","count":1}');
  expect(text(instance, '\ufeff7')).toBe('{"echo":7,"count":2}');
  expect(text(instance, '"bytes"')).toBe('\ufffd\ufffd');
});

test.each([
  ['a result beyond the memory', guest({ at: pageBytes - 8 }), /12 bytes at 65528/],
  ['a result at minus one', guest({ at: -1 }), /not aligned/],
  ['a result at minus four', guest({ at: -4 }), /12 bytes at 4294967292/],
  ['a result that is not aligned', guest({ at: 17 }), /not aligned/],
  ['an unknown case', guest({ answer: [2, 4096, 2] }), /unknown case 2/],
  ['a text beyond the memory', guest({ answer: [0, pageBytes - 1, 2] }), /2 bytes at 65535/],
  ['a text of negative length', guest({ answer: [0, 4096, -1] }), /4294967295 bytes at 4096/],
  ['a text at a negative place', guest({ answer: [0, -1, 2] }), /2 bytes at 4294967295/],
  ['an error beyond the memory', guest({ answer: [1, 4096, pageBytes] }), /65536 bytes at 4096/],
  ['a place for the input beyond the memory', guest({ realloc: pageBytes - 1 }), /2 bytes at 65535/],
  ['a place for the input at minus one', guest({ realloc: -1 }), /2 bytes at 4294967295/],
])('%s is a trap, and spends the instance', async (_, core, message) => {
  const instance = instantiate(await prepareHandler(core));
  const answer = text(instance, 'hi');
  expect(answer).toMatch(/^function_trap: /);
  expect(answer).toMatch(message);
  expect(instance.spent).toBe(true);
});

test('the answer is read before post-return, which may trap', async () => {
  const wipe = '(func (export "after") (param i32) (i32.store (i32.const 4096) (i32.const 0)))';
  expect(
    text(instantiate(await prepareHandler(guest({ more: wipe }), '(post-return (core func $i "after"))')), 'hi'),
  ).toBe('hi');
  const trap = '(func (export "after") (param i32) unreachable)';
  const trapping = instantiate(await prepareHandler(guest({ more: trap }), '(post-return (core func $i "after"))'));
  expect(text(trapping, 'hi')).toMatch(/^function_trap: unreachable/);
  expect(trapping.spent).toBe(true);
});
