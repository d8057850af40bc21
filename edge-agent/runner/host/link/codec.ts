/**
 * Codecs: how the values of a WIT type pass between guest and host (component model, CanonicalABI.md), through memory
 * (`load`, `store`) and through core values (`lift`, `lower`). A codec is made once per type and thread, so that it
 * stays compiled for all instances.
 *
 * Host values have jco's form: records and flags are objects with names in camel case, variants are `{ tag, val }`, an
 * option is the value or undefined, bytes are a Uint8Array, 64-bit numbers are bigints.
 */
import type { ValueType } from '@skerry/shared/function/linked-plan.ts';
import type { GuestMemory } from './guest-memory.ts';
import type { Handles } from './handles.ts';

export type CoreType = 'i32' | 'i64' | 'f32' | 'f64';
export type CoreValue = number | bigint;

/** The state through which the values of one call pass. */
export type Context = { readonly memory: GuestMemory; readonly handles: Handles };

/** Core values, read in order. */
export class CoreValues {
  readonly #values: readonly CoreValue[];
  #at = 0;

  constructor(values: readonly CoreValue[]) {
    this.#values = values;
  }

  next(): CoreValue {
    const value = this.#values[this.#at];
    if (value === undefined) throw new Error('too few core values');
    this.#at += 1;
    return value;
  }

  /** An unsigned 32-bit number. */
  nextUnsigned(): number {
    return Number(this.next()) >>> 0;
  }
}

export type Codec = {
  readonly size: number;
  readonly alignment: number;
  readonly flat: readonly CoreType[];
  /** The caller has checked the region of `size` bytes. */
  load(context: Context, at: number): unknown;
  store(context: Context, at: number, value: unknown): void;
  lift(context: Context, values: CoreValues): unknown;
  lower(context: Context, value: unknown, out: CoreValue[]): void;
};

export const alignTo = (at: number, alignment: number): number => Math.ceil(at / alignment) * alignment;

/** Size of the unsigned number that counts this many cases, in bytes. */
export const tagSize = (cases: number): 1 | 2 | 4 => (cases <= 0x100 ? 1 : cases <= 0x1_0000 ? 2 : 4);

export const loadTag = (view: DataView, at: number, size: number): number =>
  size === 1 ? view.getUint8(at) : size === 2 ? view.getUint16(at, true) : view.getUint32(at, true);

export function storeTag(view: DataView, at: number, size: number, tag: number): void {
  if (size === 1) view.setUint8(at, tag);
  else if (size === 2) view.setUint16(at, tag, true);
  else view.setUint32(at, tag, true);
}

/** The JavaScript name for a name of WIT. */
export const camelCase = (name: string): string => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

/** The type with these parts. */
export type CodecOf = (type: ValueType) => Codec;
