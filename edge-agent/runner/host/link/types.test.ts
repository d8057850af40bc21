import type { ValueType } from '@skerry/shared/function/linked-plan.ts';
import { describe, expect, test } from 'vitest';
import { type Context, type CoreValue, CoreValues } from './codec.ts';
import { GuestMemory } from './guest-memory.ts';
import { Handles } from './handles.ts';
import { codecFor } from './types.ts';

const pageBytes = 65_536;

/** A memory of two pages, with an allocator that never frees. */
function context(): Context & { readonly buffer: ArrayBuffer } {
  const memory = new WebAssembly.Memory({ initial: 2 });
  let next = 1_024;
  const realloc = (_old: number, _oldSize: number, alignment: number, size: number) => {
    next = Math.ceil(next / alignment) * alignment + size;
    return next - size;
  };
  return { memory: new GuestMemory(memory, realloc), handles: new Handles(), buffer: memory.buffer };
}

const point: ValueType = {
  record: [
    ['the-x', 'u8'],
    ['y', 'u32'],
  ],
};
const mixed: ValueType = {
  variant: [
    ['none', null],
    ['text', 'string'],
    ['wide', 's64'],
    ['real', 'f32'],
    ['point', point],
  ],
};

test.each<[string, ValueType, unknown[]]>([
  ['bool', 'bool', [true, false]],
  ['u8', 'u8', [0, 255]],
  ['s8', 's8', [-128, 127]],
  ['u16', 'u16', [65_535]],
  ['s16', 's16', [-32_768]],
  ['u32', 'u32', [4_294_967_295]],
  ['s32', 's32', [-2_147_483_648]],
  ['u64', 'u64', [18_446_744_073_709_551_615n, 0n]],
  ['s64', 's64', [-9_223_372_036_854_775_808n]],
  ['f32', 'f32', [1.5, Number.NEGATIVE_INFINITY]],
  ['f64', 'f64', [0.1, -0]],
  ['char', 'char', ['a', '𝄞']],
  ['string', 'string', ['', 'grüße 𝄞']],
  ['bytes', { list: 'u8' }, [Uint8Array.from([]), Uint8Array.from([1, 2, 3])]],
  ['list', { list: 'string' }, [[], ['a', '', 'ccc']]],
  [
    'list of records',
    { list: point },
    [
      [
        { theX: 1, y: 2 },
        { theX: 3, y: 4 },
      ],
    ],
  ],
  ['record', point, [{ theX: 7, y: 70_000 }]],
  ['tuple', { tuple: ['u8', 'u64', 'string'] }, [[1, 2n, 'three']]],
  ['flags', { flags: ['read', 'write-all', 'x'] }, [{ read: true, writeAll: false, x: true }]],
  [
    'many flags',
    { flags: Array.from({ length: 32 }, (_, bit) => `f${bit}`) },
    [Object.fromEntries(Array.from({ length: 32 }, (_, bit) => [`f${bit}`, bit % 3 === 0]))],
  ],
  ['enum', { enum: ['one', 'two-b'] }, ['one', 'two-b']],
  ['option', { option: 'u32' }, [undefined, 0, 5]],
  ['option of an option', { option: { option: 'u8' } }, [{ tag: 'none' }, { tag: 'some' }, { tag: 'some', val: 3 }]],
  [
    'result',
    { result: ['string', 'u8'] },
    [
      { tag: 'ok', val: 'x' },
      { tag: 'err', val: 9 },
    ],
  ],
  ['result of nothing', { result: [null, null] }, [{ tag: 'ok' }, { tag: 'err' }]],
  [
    'variant',
    mixed,
    [
      { tag: 'none' },
      { tag: 'text', val: 'hello' },
      { tag: 'wide', val: -5n },
      { tag: 'real', val: 2.5 },
      { tag: 'point', val: { theX: 1, y: 2 } },
    ],
  ],
  ['list of variants', { list: mixed }, [[{ tag: 'wide', val: 1n }, { tag: 'text', val: '' }, { tag: 'none' }]]],
])('%s goes through memory and through core values', (_, type, values) => {
  const codec = codecFor(type);
  for (const value of values) {
    const through = context();
    codec.store(through, 256, value);
    expect(codec.load(through, 256)).toEqual(value);
    const out: CoreValue[] = [];
    codec.lower(through, value, out);
    expect(out).toHaveLength(codec.flat.length);
    expect(codec.lift(through, new CoreValues(out))).toEqual(value);
  }
});

test.each<[ValueType, number, number, string]>([
  ['u8', 1, 1, 'i32'],
  ['string', 8, 4, 'i32 i32'],
  [point, 8, 4, 'i32 i32'],
  [{ tuple: ['u8', 'u64', 'u8'] }, 24, 8, 'i32 i64 i32'],
  [{ option: 'u8' }, 2, 1, 'i32 i32'],
  [{ option: 'u64' }, 16, 8, 'i32 i64'],
  [{ result: [null, null] }, 1, 1, 'i32'],
  [{ result: ['string', 'f32'] }, 12, 4, 'i32 i32 i32'],
  [{ enum: Array.from({ length: 257 }, (_, index) => `e${index}`) }, 2, 2, 'i32'],
  [{ flags: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'] }, 2, 2, 'i32'],
  [mixed, 16, 8, 'i32 i64 i32'],
  [{ own: 0 }, 4, 4, 'i32'],
])('layout of %j: as the canonical ABI has it', (type, size, alignment, flat) => {
  const codec = codecFor(type);
  expect([codec.size, codec.alignment, codec.flat.join(' ')]).toEqual([size, alignment, flat]);
});

describe('values from the guest are checked', () => {
  const lift = (type: ValueType, ...values: CoreValue[]) => codecFor(type).lift(context(), new CoreValues(values));

  test('a string or list beyond its memory', () => {
    expect(() => lift('string', 2 * pageBytes - 1, 2)).toThrow('beyond the memory');
    expect(() => lift('string', -1, 1)).toThrow('beyond the memory');
    expect(() => lift({ list: 'u8' }, 0, -1)).toThrow('beyond the memory');
    expect(() => lift({ list: 'u32' }, 2 * pageBytes - 4, 2)).toThrow('beyond the memory');
    expect(() => lift({ list: 'u32' }, 2, 1)).toThrow('not aligned');
  });

  test("more elements than the host's limit", () => {
    expect(() => lift({ list: { tuple: [] } }, 0, 1_000_001)).toThrow('a list of 1000001 elements');
  });

  test('unknown cases, characters and handles', () => {
    expect(() => lift({ enum: ['a'] }, 1)).toThrow('case 1 of 1');
    expect(() => lift(mixed, 5, 0n, 0)).toThrow('case 5 of 5');
    expect(() => lift('char', 0xd800)).toThrow('no character');
    expect(() => lift('char', 0x11_0000)).toThrow('no character');
    expect(() => lift({ own: 0 }, 0)).toThrow('unknown handle 0');
    expect(() => lift({ borrow: 0 }, 7)).toThrow('unknown handle 7');
  });

  test('numbers are limited to the range of their type', () => {
    expect(lift('u8', 0x1ff)).toBe(255);
    expect(lift('s8', 0xff)).toBe(-1);
    expect(lift('u16', -1)).toBe(65_535);
    expect(lift('u32', -1)).toBe(4_294_967_295);
    expect(lift('u64', -1n)).toBe(18_446_744_073_709_551_615n);
    expect(lift('bool', 2)).toBe(true);
  });

  test('an allocation outside of the memory', () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const given = (at: number) => ({ memory: new GuestMemory(memory, () => at), handles: new Handles() });
    expect(() => codecFor('string').lower(given(pageBytes), 'x', [])).toThrow('beyond the memory');
    expect(() => codecFor({ list: 'u32' }).lower(given(2), [1], [])).toThrow('not aligned');
    const none = { memory: new GuestMemory(memory, undefined), handles: new Handles() };
    expect(() => codecFor('string').lower(none, 'x', [])).toThrow('the guest has no allocator');
  });
});

describe('handles', () => {
  test('handles stand for one resource of one kind, until they are given away or dropped', () => {
    const handles = new Handles();
    let dropped = 0;
    const object = {
      [Symbol.dispose]: () => {
        dropped += 1;
      },
    };
    const number = handles.add(3, object);
    expect(number).toBeGreaterThan(0);
    expect(handles.get(3, number)).toBe(object);
    expect(() => handles.get(2, number)).toThrow('unknown handle');
    handles.drop(3, number);
    expect(dropped).toBe(1);
    expect(() => handles.get(3, number)).toThrow('unknown handle');
    expect(handles.add(3, {})).toBe(number);
    handles.take(3, number);
    expect(() => handles.drop(3, number)).toThrow('unknown handle');
    expect(dropped).toBe(1);
  });

  test('handles are bounded, and are all dropped at once, newest first', () => {
    const handles = new Handles();
    const order: number[] = [];
    for (let at = 0; at < 100_000; at++) handles.add(0, { [Symbol.dispose]: () => order.push(at) });
    expect(() => handles.add(0, {})).toThrow('more than 100000 handles');
    handles.clear();
    expect(order.slice(0, 2)).toEqual([99_999, 99_998]);
    expect(order).toHaveLength(100_000);
    expect(handles.add(0, {})).toBe(1);
  });
});

test('invalid UTF-8 ends the guest, and a byte order mark is a character', () => {
  const made = context();
  const put = (...bytes: number[]) => new Uint8Array(made.buffer, 64, bytes.length).set(bytes);
  put(0xff, 0xfe);
  expect(() => codecFor('string').lift(made, new CoreValues([64, 2]))).toThrow();
  put(0xef, 0xbb, 0xbf, 0x61);
  expect(codecFor('string').lift(made, new CoreValues([64, 4]))).toBe('\ufeffa');
});
