/** Records, tuples, lists, flags and all types with cases, made from the codecs of their parts. */
import type { ValueType } from '@skerry/shared/function/linked-plan.ts';
import { alignTo, type Codec, type CodecOf, type Context, camelCase } from './codec.ts';

/**
 * Maximum number of elements of a list that is not bytes: each element is a value on the host's heap, outside of the
 * guest's memory limit.
 */
const maxElements = 1_000_000;

type Field = { readonly key: string | number; readonly codec: Codec; readonly offset: number };

/** Fields in order; `make` gives the empty host value for them. */
function fields(
  parts: readonly (readonly [string | number, Codec])[],
  make: () => Record<string | number, unknown>,
): Codec {
  let size = 0;
  let alignment = 1;
  const laid: Field[] = parts.map(([key, codec]) => {
    const offset = alignTo(size, codec.alignment);
    size = offset + codec.size;
    alignment = Math.max(alignment, codec.alignment);
    return { key, codec, offset };
  });
  return {
    size: alignTo(size, alignment),
    alignment,
    flat: laid.flatMap(({ codec }) => codec.flat),
    load(context, at) {
      const value = make();
      for (const { key, codec, offset } of laid) value[key] = codec.load(context, at + offset);
      return value;
    },
    store(context, at, value) {
      for (const { key, codec, offset } of laid) codec.store(context, at + offset, partOf(value, key));
    },
    lift(context, values) {
      const value = make();
      for (const { key, codec } of laid) value[key] = codec.lift(context, values);
      return value;
    },
    lower(context, value, out) {
      for (const { key, codec } of laid) codec.lower(context, partOf(value, key), out);
    },
  };
}

const partOf = (value: unknown, key: string | number): unknown => (value as Record<string | number, unknown>)[key];

export const record = (entries: readonly (readonly [string, ValueType])[], codecFor: CodecOf): Codec =>
  fields(
    entries.map(([name, type]) => [camelCase(name), codecFor(type)]),
    () => ({}),
  );

export const tuple = (types: readonly ValueType[], codecFor: CodecOf): Codec =>
  fields(
    types.map((type, index) => [index, codecFor(type)]),
    () => [] as unknown as Record<number, unknown>,
  );

export function flags(names: readonly string[]): Codec {
  const keys = names.map(camelCase);
  const size = keys.length <= 8 ? 1 : keys.length <= 16 ? 2 : 4;
  const toHost = (bits: number) => Object.fromEntries(keys.map((key, index) => [key, (bits & (1 << index)) !== 0]));
  const toBits = (value: unknown) =>
    keys.reduce((bits, key, index) => (partOf(value, key) ? bits | (1 << index) : bits), 0);
  return {
    size,
    alignment: size,
    flat: ['i32'],
    load({ memory: { view } }, at) {
      return toHost(size === 1 ? view.getUint8(at) : size === 2 ? view.getUint16(at, true) : view.getUint32(at, true));
    },
    store({ memory: { view } }, at, value) {
      const bits = toBits(value);
      if (size === 1) view.setUint8(at, bits);
      else if (size === 2) view.setUint16(at, bits, true);
      else view.setUint32(at, bits, true);
    },
    lift: (_, values) => toHost(values.nextUnsigned()),
    lower: (_, value, out) => void out.push(toBits(value)),
  };
}

/** A pointer and a length. */
function pointed(
  load: (context: Context, at: number, length: number) => unknown,
  put: (context: Context, value: unknown) => [at: number, length: number],
): Codec {
  return {
    size: 8,
    alignment: 4,
    flat: ['i32', 'i32'],
    load(context, at) {
      const { view } = context.memory;
      return load(context, view.getUint32(at, true), view.getUint32(at + 4, true));
    },
    store(context, at, value) {
      const [items, length] = put(context, value);
      context.memory.view.setUint32(at, items, true);
      context.memory.view.setUint32(at + 4, length, true);
    },
    lift: (context, values) => load(context, values.nextUnsigned(), values.nextUnsigned()),
    lower: (context, value, out) => void out.push(...put(context, value)),
  };
}

const bytes: Codec = pointed(
  ({ memory }, at, length) => {
    if (length === 0) return new Uint8Array(0);
    const view = memory.bytes(at, length);
    memory.take(length);
    return view.slice();
  },
  ({ memory }, value) => [memory.putBytes(value as Uint8Array), (value as Uint8Array).byteLength],
);

export function list(element: ValueType, codecFor: CodecOf): Codec {
  if (element === 'u8') return bytes;
  const codec = codecFor(element);
  const { size, alignment } = codec;
  return pointed(
    (context, at, length) => {
      if (length > maxElements) throw new Error(`a list of ${length} elements; the limit is ${maxElements}`);
      if (length > 0) {
        context.memory.check(at, length * size, alignment);
        context.memory.take(length * size);
      }
      return Array.from({ length }, (_, index) => codec.load(context, at + index * size));
    },
    (context, value) => {
      const items = [...(value as Iterable<unknown>)];
      const at = context.memory.allocate(items.length * size, alignment);
      for (const [index, item] of items.entries()) codec.store(context, at + index * size, item);
      return [at, items.length];
    },
  );
}
