/**
 * Types in a component's binary (component model, Binary.md): value types written out, function types, and what an
 * imported instance has in it.
 *
 * Invariant: the component has been validated, so that indices hold; what is not known here throws `NotFlat`.
 */
import {
  type FunctionType,
  maxTypeParts,
  type Primitive,
  type ValueType,
} from '@skerry/shared/function/linked-plan.ts';
import type { Reader } from '../wasm/binary.ts';

/** The component has something that running without glue does not know. */
export class NotFlat extends Error {}

/** An entry in an index space of types. */
export type ComponentType =
  | { readonly kind: 'value'; readonly type: ValueType }
  | { readonly kind: 'resource'; readonly resource: number }
  | { readonly kind: 'function'; readonly type: FunctionType }
  /** Read again for each import, which gives its resources a name. */
  | { readonly kind: 'instance'; read(interfaceName: string): ImportedInstance };

/** An instance that the host gives: its functions and types by name. */
export type ImportedInstance = {
  readonly interface: string;
  readonly functions: ReadonlyMap<string, FunctionType>;
  readonly types: ReadonlyMap<string, ComponentType>;
};

/** Resources of the host met so far: each has one number, however often it is named. */
export type Resources = { numberOf(interfaceName: string, name: string): number };

const primitives: Readonly<Record<number, Primitive>> = {
  127: 'bool',
  126: 's8',
  125: 'u8',
  124: 's16',
  123: 'u16',
  122: 's32',
  121: 'u32',
  120: 's64',
  119: 'u64',
  118: 'f32',
  117: 'f64',
  116: 'char',
  115: 'string',
};

export function known<T>(value: T | undefined): T {
  if (value === undefined) throw new NotFlat();
  return value;
}

export function expect(byte: number, ...accepted: readonly number[]): void {
  if (!accepted.includes(byte)) throw new NotFlat();
}

/** For reading over an instance type that nothing imports yet. */
const unnamed: Resources = { numberOf: () => 0 };

/** What types are read with: the index spaces of types from the innermost outwards. */
export type TypeScope = { readonly spaces: readonly ComponentType[][]; readonly resources: Resources };

const spaceOf = ({ spaces }: TypeScope): ComponentType[] => known(spaces[0]);

/** One type definition of a type section or of an instance type. */
export function readType(reader: Reader, scope: TypeScope): ComponentType {
  const form = reader.byte();
  switch (form) {
    case 0x40:
      return { kind: 'function', type: readFunctionType(reader, scope) };
    case 0x42: {
      const start = reader.position;
      readInstanceType(reader, { ...scope, resources: unnamed }, '');
      return {
        kind: 'instance',
        read: (interfaceName) => readInstanceType(reader.at(start), scope, interfaceName),
      };
    }
    default:
      return { kind: 'value', type: readDefined(form, reader, scope) };
  }
}

function readFunctionType(reader: Reader, scope: TypeScope): FunctionType {
  const params = times(reader, () => {
    reader.name();
    return readValueType(reader, scope);
  });
  const hasResult = reader.byte() === 0x00;
  const result = hasResult ? readValueType(reader, scope) : null;
  if (!hasResult) expect(reader.byte(), 0x00);
  const type = { params, result };
  if (partsOf(type) > maxTypeParts) throw new NotFlat();
  return type;
}

/** A primitive, or the index of a type; a signed number, negative for the first. */
function readValueType(reader: Reader, scope: TypeScope): ValueType {
  const first = reader.peek();
  const primitive = primitives[first];
  if (primitive) {
    reader.byte();
    return primitive;
  }
  if (first >= 0x40 && first < 0x80) throw new NotFlat();
  return valueAt(reader.unsigned(), scope);
}

function valueAt(index: number, scope: TypeScope): ValueType {
  const type = known(spaceOf(scope)[index]);
  if (type.kind !== 'value') throw new NotFlat();
  return type.type;
}

function resourceAt(index: number, scope: TypeScope): number {
  const type = known(spaceOf(scope)[index]);
  if (type.kind !== 'resource') throw new NotFlat();
  return type.resource;
}

function readDefined(form: number, reader: Reader, scope: TypeScope): ValueType {
  const value = () => readValueType(reader, scope);
  const primitive = primitives[form];
  if (primitive) return primitive;
  switch (form) {
    case 0x72:
      return { record: times(reader, () => [reader.name(), value()] as const) };
    case 0x71:
      return {
        variant: times(reader, () => {
          const name = reader.name();
          const type = optional(reader, value);
          expect(reader.byte(), 0x00);
          return [name, type] as const;
        }),
      };
    case 0x70:
      return { list: value() };
    case 0x6f:
      return { tuple: times(reader, value) };
    case 0x6e: {
      const flags = times(reader, () => reader.name());
      if (flags.length > 32) throw new NotFlat();
      return { flags };
    }
    case 0x6d:
      return { enum: times(reader, () => reader.name()) };
    case 0x6b:
      return { option: value() };
    case 0x6a: {
      const ok = optional(reader, value);
      return { result: [ok, optional(reader, value)] };
    }
    case 0x69:
      return { own: resourceAt(reader.unsigned(), scope) };
    case 0x68:
      return { borrow: resourceAt(reader.unsigned(), scope) };
    default:
      throw new NotFlat();
  }
}

/** Declarations of an instance type, up to their end. Its types are a space of their own within the given ones. */
function readInstanceType(reader: Reader, outer: TypeScope, interfaceName: string): ImportedInstance {
  const space: ComponentType[] = [];
  const scope: TypeScope = { spaces: [space, ...outer.spaces], resources: outer.resources };
  const functions = new Map<string, FunctionType>();
  const types = new Map<string, ComponentType>();
  times(reader, () => {
    switch (reader.byte()) {
      case 0x01:
        space.push(readType(reader, scope));
        return;
      case 0x02: // an alias of a type further out
        expect(reader.byte(), 0x03);
        expect(reader.byte(), 0x02);
        space.push(known(scope.spaces[reader.unsigned()]?.[reader.unsigned()]));
        return;
      case 0x04: {
        const name = readExternName(reader);
        const described = readDescription(reader, scope, interfaceName, name);
        if (described.kind === 'function') functions.set(name, described.type);
        else {
          space.push(described);
          types.set(name, described);
        }
        return;
      }
      default:
        throw new NotFlat();
    }
  });
  return { interface: interfaceName, functions, types };
}

/** What is exported by an instance type: a function, a type equal to one that is known, or a resource. */
function readDescription(reader: Reader, scope: TypeScope, interfaceName: string, name: string): ComponentType {
  switch (reader.byte()) {
    case 0x01: {
      const type = known(spaceOf(scope)[reader.unsigned()]);
      if (type.kind !== 'function') throw new NotFlat();
      return type;
    }
    case 0x03:
      if (reader.byte() === 0x00) return known(spaceOf(scope)[reader.unsigned()]);
      return { kind: 'resource', resource: scope.resources.numberOf(interfaceName, name) };
    default:
      throw new NotFlat();
  }
}

/** A name of an import or export. */
export function readExternName(reader: Reader): string {
  expect(reader.byte(), 0x00, 0x01);
  return reader.name();
}

export function times<T>(reader: Reader, read: () => T): T[] {
  const items: T[] = [];
  for (let left = reader.unsigned(); left > 0; left--) items.push(read());
  return items;
}

function optional<T>(reader: Reader, read: () => T): T | null {
  return reader.byte() === 0x00 ? null : read();
}

/** Parts of a function's types; written out, a type that is named often is as large as it is often named. */
function partsOf({ params, result }: FunctionType): number {
  let parts = 0;
  const count = (type: ValueType | null): void => {
    parts += 1;
    if (parts > maxTypeParts || type === null || typeof type === 'string') return;
    if ('list' in type) count(type.list);
    else if ('option' in type) count(type.option);
    else if ('tuple' in type) type.tuple.forEach(count);
    else if ('record' in type) for (const [, field] of type.record) count(field);
    else if ('variant' in type) for (const [, payload] of type.variant) count(payload);
    else if ('result' in type) type.result.forEach(count);
  };
  for (const type of [...params, result]) count(type);
  return parts;
}
