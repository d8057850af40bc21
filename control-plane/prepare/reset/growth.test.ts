import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { describe, expect, test } from 'vitest';
import { readCoreModule } from '../wasm/core-module.ts';
import { addRealloc } from '../wasm/realloc.ts';
import { virtualizeGrowth } from './growth.ts';

const pageBytes = 65_536;
const plan = { instances: [{ module: 'm' }] };

/** A module with a memory of one to eight pages, and functions that use its size. */
const sizes = (more = '') => `(module ${more} (memory (export "memory") 1 8)
  (func (export "size") (result i32) memory.size)
  (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
  (func (export "twice") (param i32) (result i32) local.get 0 memory.grow drop local.get 0 memory.grow)
  (func (export "load") (param i32) (result i32) local.get 0 i32.load8_u)
  (func (export "store") (param i32 i32) local.get 0 local.get 1 i32.store8))`;

type Sizes = Record<'size' | 'grow' | 'twice' | 'load' | 'store', (...args: number[]) => number> & {
  readonly memory: WebAssembly.Memory;
  readonly 'skerry:slack': WebAssembly.Global;
};

const instantiate = (bytes: Uint8Array, imports = {}) =>
  new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(bytes)), imports).exports as Sizes;

async function rewritten(wat: string): Promise<Uint8Array> {
  const changed = virtualizeGrowth(plan, [{ name: 'm', bytes: await parse(wat) }]);
  expect(changed?.slack).toEqual({ instance: 0, name: 'skerry:slack' });
  return changed?.modules[0]?.bytes ?? new Uint8Array(0);
}

/** Records what a guest observes: the size, the results of growing, and the first and last byte of each page. */
function look(guest: Sizes, grows: readonly number[]): number[] {
  const seen = [guest.size()];
  for (const pages of grows) {
    seen.push(guest.grow(pages), guest.size());
    for (let page = 0; page < guest.size(); page++) {
      seen.push(guest.load(page * pageBytes), guest.load((page + 1) * pageBytes - 1));
    }
  }
  return seen;
}

/** Resets the guest like an agent: restores the memory, fills the growth with zeroes and makes it slack. */
function reset(guest: Sizes): void {
  const bytes = new Uint8Array(guest.memory.buffer);
  bytes.fill(0);
  guest['skerry:slack'].value = bytes.byteLength / pageBytes - 1;
}

const sequences = [[0], [1], [3, 2], [7], [8], [1, 1, 1, 1, 1, 1, 1, 1], [-1], [2, 100, 2], [5, 0, 3]];

describe('memory that grows', () => {
  test.each(sequences.map((grows) => [grows]))('%j: a new instance behaves as before', async (grows) => {
    expect(look(instantiate(await rewritten(sizes())), grows)).toEqual(look(instantiate(await parse(sizes())), grows));
  });

  test.each(sequences.map((grows) => [grows]))('%j: an instance after a reset behaves as a new one', async (grows) => {
    const expected = look(instantiate(await parse(sizes())), grows);
    for (const before of sequences) {
      const guest = instantiate(await rewritten(sizes()));
      for (const pages of before) guest.grow(pages);
      for (let page = 0; page < guest.size(); page++) guest.store(page * pageBytes, 7);
      reset(guest);
      expect(look(guest, grows), `after ${before}`).toEqual(expected);
    }
  });

  test('a function can grow the memory twice', async () => {
    const guest = instantiate(await rewritten(sizes()));
    expect([guest.twice(2), guest.size()]).toEqual([3, 5]);
    reset(guest);
    expect([guest.twice(3), guest.size()]).toEqual([4, 7]);
  });

  test('a module with imported functions and globals keeps its indices', async () => {
    const wat = sizes(
      '(import "a" "f" (func $f (result i32))) (import "a" "g" (global $g i32)) (global (mut i32) (i32.const 9))',
    ).replace(
      '(func (export "size")',
      '(func (export "both") (result i32) (i32.add (call $f) (global.get $g))) (func (export "size")',
    );
    const other = instantiate(
      await parse('(module (func (export "f") (result i32) i32.const 40) (global (export "g") i32 (i32.const 2)))'),
    );
    const guest = instantiate(await rewritten(wat), { a: other }) as Sizes & { both: () => number };
    expect(guest.both()).toBe(42);
    expect([guest.grow(1), guest.size()]).toEqual([1, 2]);
  });
});

describe('is left alone', () => {
  const alone = async (wat: string, instances = plan.instances) =>
    virtualizeGrowth({ instances }, [{ name: 'm', bytes: await parse(wat) }]);

  test('a module that does not look at the size of its memory', async () => {
    expect(await alone('(module (memory 1) (func (export "f")))')).toBeUndefined();
  });

  test('a module that grows the memory of another one', async () => {
    expect(
      await alone('(module (import "a" "m" (memory 1)) (func (drop (memory.grow (i32.const 1)))))'),
    ).toBeUndefined();
  });

  test('a module that is instantiated twice', async () => {
    expect(await alone(sizes(), [{ module: 'm' }, { module: 'm' }])).toBeUndefined();
  });

  test('a module with an unknown construct', async () => {
    expect(await alone(sizes('(type (struct))'))).toBeUndefined();
    expect(await alone(sizes('(func (local v128))'))).toBeUndefined();
  });
});

describe('a cabi_realloc for modules that have none', () => {
  const add = async (wat: string) => {
    const bytes = await parse(wat);
    return { before: bytes, after: addRealloc(bytes, readCoreModule(bytes)) };
  };

  test('allocates whole pages', async () => {
    const { after } = await add('(module (memory (export "memory") 1 4) (func (export "_start")))');
    const guest = instantiate(after) as unknown as {
      memory: WebAssembly.Memory;
      cabi_realloc: (...args: number[]) => number;
    };
    expect(guest.cabi_realloc(0, 0, 8, 100)).toBe(pageBytes);
    expect(guest.cabi_realloc(0, 0, 8, pageBytes + 1)).toBe(2 * pageBytes);
    expect(guest.memory.buffer.byteLength).toBe(4 * pageBytes);
    expect(() => guest.cabi_realloc(0, 0, 8, 1)).toThrow('unreachable');
    expect(() => guest.cabi_realloc(pageBytes, 100, 8, 200)).toThrow('unreachable');
  });

  test('is not added to a module that has one, or whose memory is imported', async () => {
    for (const wat of ['(module (memory 1) (func (export "cabi_realloc")))', '(module (import "a" "m" (memory 1)))']) {
      const { before, after } = await add(wat);
      expect(after).toBe(before);
    }
  });
});
