/**
 * Types with cases: variants, enums, options and results. As core values their cases share places: each place has the
 * one type that all cases fit in (CanonicalABI.md, `flatten_variant`).
 */
import {
  alignTo,
  type Codec,
  type Context,
  type CoreType,
  type CoreValue,
  CoreValues,
  loadTag,
  storeTag,
  tagSize,
} from './codec.ts';

/** The host's form of a case: the case of a value, its payload, and the value for a case. */
type HostCases = {
  indexOf(value: unknown): number;
  payloadOf(value: unknown): unknown;
  make(index: number, payload: unknown): unknown;
};

export function cases(payloads: readonly (Codec | null)[], host: HostCases): Codec {
  const tagBytes = tagSize(payloads.length);
  const payloadAlignment = Math.max(1, ...payloads.map((codec) => codec?.alignment ?? 1));
  const alignment = Math.max(tagBytes, payloadAlignment);
  const offset = alignTo(tagBytes, payloadAlignment);
  const places = joinAll(payloads);
  const payloadFor = (index: number): Codec | null => {
    const codec = payloads[index];
    if (codec === undefined) throw new Error(`case ${index} of ${payloads.length}`);
    return codec;
  };
  return {
    size: alignTo(offset + Math.max(0, ...payloads.map((codec) => codec?.size ?? 0)), alignment),
    alignment,
    flat: ['i32', ...places],
    load(context, at) {
      const index = loadTag(context.memory.view, at, tagBytes);
      const codec = payloadFor(index);
      return host.make(index, codec?.load(context, at + offset));
    },
    store(context, at, value) {
      const index = host.indexOf(value);
      const codec = payloadFor(index);
      storeTag(context.memory.view, at, tagBytes, index);
      codec?.store(context, at + offset, host.payloadOf(value));
    },
    lift(context, values) {
      const index = values.nextUnsigned();
      const codec = payloadFor(index);
      if (places.length === 0) return host.make(index, undefined);
      const joined = places.map(() => values.next());
      return host.make(index, codec ? liftJoined(context, codec, places, joined) : undefined);
    },
    lower(context, value, out) {
      const index = host.indexOf(value);
      const codec = payloadFor(index);
      out.push(index);
      const own: CoreValue[] = [];
      codec?.lower(context, host.payloadOf(value), own);
      for (const [place, type] of places.entries()) {
        const given = own[place];
        out.push(given === undefined ? zeroOf(type) : convert(given, codec?.flat[place] ?? type, type));
      }
    },
  };
}

const zeroOf = (type: CoreType): CoreValue => (type === 'i64' ? 0n : 0);

function joinAll(payloads: readonly (Codec | null)[]): CoreType[] {
  const places: CoreType[] = [];
  for (const codec of payloads) {
    for (const [place, type] of (codec?.flat ?? []).entries()) {
      const there = places[place];
      places[place] = there === undefined || there === type ? type : join(there, type);
    }
  }
  return places;
}

function join(a: CoreType, b: CoreType): CoreType {
  const narrow = (type: CoreType) => type === 'i32' || type === 'f32';
  return narrow(a) && narrow(b) ? 'i32' : 'i64';
}

function liftJoined(
  context: Context,
  codec: Codec,
  places: readonly CoreType[],
  joined: readonly CoreValue[],
): unknown {
  const own = codec.flat.map((type, place) => convert(joined[place] ?? 0, places[place] ?? type, type));
  return codec.lift(context, new CoreValues(own));
}

/** The same bits as another core type; a narrower type is in the low half. */
function convert(value: CoreValue, from: CoreType, to: CoreType): CoreValue {
  if (from === to) return value;
  const view = new DataView(new ArrayBuffer(8));
  if (from === 'i32') view.setInt32(0, Number(value), true);
  else if (from === 'i64') view.setBigInt64(0, BigInt(value), true);
  else if (from === 'f32') view.setFloat32(0, Number(value), true);
  else view.setFloat64(0, Number(value), true);
  if (to === 'i32') return view.getInt32(0, true);
  if (to === 'i64') return view.getBigInt64(0, true);
  return to === 'f32' ? view.getFloat32(0, true) : view.getFloat64(0, true);
}

type Tagged = { readonly tag: string; readonly val?: unknown };

/** Variants and results: `{ tag, val }`. */
export function taggedCases(names: readonly string[]): HostCases {
  return {
    indexOf(value) {
      const index = names.indexOf((value as Tagged).tag);
      if (index < 0) throw new Error(`no case ${(value as Tagged).tag}`);
      return index;
    },
    payloadOf: (value) => (value as Tagged).val,
    make: (index, val) => (val === undefined ? { tag: names[index] } : { tag: names[index], val }),
  };
}

/** Enums: only the name. */
export function namedCases(names: readonly string[]): HostCases {
  return {
    indexOf(value) {
      const index = names.indexOf(String(value));
      if (index < 0) throw new Error(`no case ${value}`);
      return index;
    },
    payloadOf: () => undefined,
    make: (index) => names[index],
  };
}

/** Options: the value, or undefined. An option of an option would be ambiguous, so it is a variant. */
export const optionalCases: HostCases = {
  indexOf: (value) => (value === undefined || value === null ? 0 : 1),
  payloadOf: (value) => value,
  make: (index, payload) => (index === 0 ? undefined : payload),
};
