/** Numbers, booleans, characters, strings and handles. A value outside of the range of its type ends the guest. */
import type { Primitive } from '@skerry/shared/function/linked-plan.ts';
import type { Codec, CoreType, CoreValue } from './codec.ts';

/** One core value, and `size` bytes of memory. */
function scalar(
  size: 1 | 2 | 4 | 8,
  core: CoreType,
  read: (view: DataView, at: number) => CoreValue,
  write: (view: DataView, at: number, value: CoreValue) => void,
  toHost: (value: CoreValue) => unknown,
  toCore: (value: unknown) => CoreValue,
): Codec {
  return {
    size,
    alignment: size,
    flat: [core],
    load: ({ memory }, at) => toHost(read(memory.view, at)),
    store: ({ memory }, at, value) => write(memory.view, at, toCore(value)),
    lift: (_, values) => toHost(values.next()),
    lower: (_, value, out) => void out.push(toCore(value)),
  };
}

/** An integer of up to 32 bits, limited to its range in both directions. */
function small(
  size: 1 | 2 | 4,
  signed: boolean,
  toHost: (value: number) => unknown = (value) => value,
  toNumber: (value: unknown) => number = Number,
): Codec {
  const shift = 32 - size * 8;
  const held = signed ? (value: number) => (value << shift) >> shift : (value: number) => (value << shift) >>> shift;
  const read = (view: DataView, at: number) =>
    size === 1 ? view.getUint8(at) : size === 2 ? view.getUint16(at, true) : view.getUint32(at, true);
  const write = (view: DataView, at: number, value: CoreValue) => {
    if (size === 1) view.setUint8(at, Number(value));
    else if (size === 2) view.setUint16(at, Number(value), true);
    else view.setUint32(at, Number(value), true);
  };
  return scalar(
    size,
    'i32',
    read,
    write,
    (value) => toHost(held(Number(value))),
    (value) => held(toNumber(value)),
  );
}

function large(held: (bits: number, value: bigint) => bigint): Codec {
  return scalar(
    8,
    'i64',
    (view, at) => view.getBigUint64(at, true),
    (view, at, value) => view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true),
    (value) => held(64, BigInt(value)),
    (value) => BigInt.asIntN(64, BigInt(value as bigint)),
  );
}

const highestCharacter = 0x10_ffff;
const surrogates = { first: 0xd800, last: 0xdfff } as const;

function character(value: number): string {
  if (value > highestCharacter || (value >= surrogates.first && value <= surrogates.last)) {
    throw new Error(`${value} is no character`);
  }
  return String.fromCodePoint(value);
}

const string: Codec = {
  size: 8,
  alignment: 4,
  flat: ['i32', 'i32'],
  load({ memory }, at) {
    const { view } = memory;
    return memory.text(view.getUint32(at, true), view.getUint32(at + 4, true));
  },
  store({ memory }, at, value) {
    const [text, length] = memory.putText(String(value));
    memory.view.setUint32(at, text, true);
    memory.view.setUint32(at + 4, length, true);
  },
  lift: ({ memory }, values) => memory.text(values.nextUnsigned(), values.nextUnsigned()),
  lower: ({ memory }, value, out) => void out.push(...memory.putText(String(value))),
};

export const primitives: Readonly<Record<Primitive, Codec>> = {
  bool: small(
    1,
    false,
    (value) => value !== 0,
    (value) => (value ? 1 : 0),
  ),
  u8: small(1, false),
  s8: small(1, true),
  u16: small(2, false),
  s16: small(2, true),
  u32: small(4, false),
  s32: small(4, true),
  u64: large(BigInt.asUintN),
  s64: large(BigInt.asIntN),
  f32: scalar(
    4,
    'f32',
    (view, at) => view.getFloat32(at, true),
    (view, at, value) => view.setFloat32(at, Number(value), true),
    (value) => value,
    Number,
  ),
  f64: scalar(
    8,
    'f64',
    (view, at) => view.getFloat64(at, true),
    (view, at, value) => view.setFloat64(at, Number(value), true),
    (value) => value,
    Number,
  ),
  char: small(4, false, character, (value) => String(value).codePointAt(0) ?? 0),
  string,
};

/** A handle whose resource is given away with the value. */
export function own(resource: number): Codec {
  return {
    size: 4,
    alignment: 4,
    flat: ['i32'],
    load: ({ memory, handles }, at) => handles.take(resource, memory.view.getUint32(at, true)),
    store: ({ memory, handles }, at, value) => memory.view.setUint32(at, handles.add(resource, value as object), true),
    lift: ({ handles }, values) => handles.take(resource, values.nextUnsigned()),
    lower: ({ handles }, value, out) => void out.push(handles.add(resource, value as object)),
  };
}

/** A handle that is lent for the call. The host lends none to a guest: no accepted world takes one. */
export function borrow(resource: number): Codec {
  const lendsNone = (): never => {
    throw new Error('the host lends no handles');
  };
  return {
    size: 4,
    alignment: 4,
    flat: ['i32'],
    load: ({ memory, handles }, at) => handles.get(resource, memory.view.getUint32(at, true)),
    store: lendsNone,
    lift: ({ handles }, values) => handles.get(resource, values.nextUnsigned()),
    lower: lendsNone,
  };
}
