import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { expect, test } from 'vitest';
import { capMemory } from './memory.ts';

const pageBytes = 65_536;

/** @returns the number of pages to which an instance of this module can grow */
async function reach(wat: string, limitPages: number): Promise<number> {
  const { module } = capMemory(await parse(wat), limitPages * pageBytes);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(module)));
  const memory = instance.exports.memory as { grow(pages: number): number; buffer: ArrayBuffer };
  for (;;) {
    try {
      memory.grow(1);
    } catch {
      return memory.buffer.byteLength / pageBytes;
    }
  }
}

test('a memory without a maximum gets one', async () => {
  expect(await reach('(module (memory (export "memory") 1))', 20)).toBe(20);
});

test('a larger maximum is lowered, and a smaller one stays', async () => {
  expect(await reach('(module (memory (export "memory") 1 30))', 20)).toBe(20);
  expect(await reach('(module (memory (export "memory") 1 10))', 20)).toBe(10);
});

test('the other sections do not change', async () => {
  const wat = (memory: string) =>
    `(module ${memory} (data (i32.const 0) "kept") (func (export "f") (result i32) i32.const 7))`;
  const capped = capMemory(await parse(wat('(memory 1)')), 200 * pageBytes);
  expect(Buffer.from(capped.module).equals(await parse(wat('(memory 1 200)')))).toBe(true);
  expect(capped.initialBytes).toBe(pageBytes);
});

test('a module with a larger initial memory is refused', async () => {
  const module = await parse('(module (memory 30))');
  expect(() => capMemory(module, 20 * pageBytes)).toThrow(/limits.memory_bytes/);
});
