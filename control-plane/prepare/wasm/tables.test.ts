import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { expect, test } from 'vitest';
import { capTables, maxElements } from './tables.ts';

type Table = { grow(count: number): number; length: number };

/** @returns the number of elements to which each exported table of the capped module can grow */
async function reach(wat: string): Promise<number[]> {
  const module = Uint8Array.from(capTables(await parse(wat)));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module));
  return Object.values(exports).map((table) => {
    const { grow } = table as Table;
    for (let step = 2 ** 24; step >= 1; step /= 2) {
      try {
        for (;;) grow.call(table, step);
      } catch {
        // the table cannot grow by this step
      }
    }
    return (table as Table).length;
  });
}

test('a table without a maximum gets one, a larger maximum is lowered, and a smaller one stays', async () => {
  expect(await reach('(module (table (export "t") 1 funcref))')).toEqual([maxElements]);
  expect(await reach('(module (table (export "t") 1 10000000 funcref))')).toEqual([maxElements]);
  expect(await reach('(module (table (export "t") 1 5 funcref))')).toEqual([5]);
});

test('many tables share the limit', async () => {
  const tables = Array.from({ length: 10 }, (_, n) => `(table (export "t${n}") 0 externref)`).join('');
  expect(await reach(`(module ${tables})`)).toEqual(Array.from({ length: 10 }, () => maxElements / 10));
});

test('a table with more initial elements or of an unknown kind is refused', async () => {
  const large = await parse(`(module (table ${maxElements + 1} funcref))`);
  expect(() => capTables(large)).toThrow(/tables start with more/);
  const preset = await parse('(module (func $f) (elem declare func $f) (table 1 (ref func) (ref.func $f)))');
  expect(() => capTables(preset)).toThrow(/kind that is not supported/);
});

test('a module without tables does not change', async () => {
  const module = await parse('(module (memory 1) (func (export "f")))');
  expect(Buffer.from(capTables(module)).equals(module)).toBe(true);
});
