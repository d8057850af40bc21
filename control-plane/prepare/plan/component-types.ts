/**
 * Reads the types of a component (component model, Binary.md): value types, written out in full, function types, and
 * the contents of imported instances.
 *
 * Invariant: the component has been validated, so that indices are valid. An unknown construct throws `NotFlat`.
 */
import {
  type FunctionType,
  maxTypeParts,
  type Primitive,
  type ValueType,
} from '@skerry/shared/function/linked-plan.ts';
import type { Reader } from '../wasm/binary.ts';

/** Thrown when the component has a construct that cannot run without glue. */
export class NotFlat extends Error {}

/** An entry in an index space of types. */
export type ComponentType =
  | { readonly kind: 'value'; readonly type: ValueType }
  | { readonly kind: 'resource'; readonly resource: number }
  | { readonly kind: 'function'; readonly type: FunctionType }
  /** Read again for each import, because the name of the import names its resources. */
  | { readonly kind: 'instance'; read(interfaceName: string): ImportedInstance };

/** An instance that the host provides: its functions and types by name. */
export type ImportedInstance = {
  readonly interface: string;
  readonly functions: ReadonlyMap<string, FunctionType>;
  readonly types: ReadonlyMap<string, ComponentType>;
};

/** Numbers the resources of the host. The same name always gives the same number. */
export type Resources = { register(interfaceName: string, name: string): number };

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

export function expectKnown<T>(value: T | undefined): T {
  if (value === undefined) throw new NotFlat();
  return value;
}

export function expectByte(byte: number, ...accepted: readonly number[]): void {
  if (!accepted.includes(byte)) throw new NotFlat();
}

/** For the first read of an instance type, before any import names it. */
const unnamed: Resources = { register: () => 0 };

/** The index spaces of types, from the innermost outwards, and the resources of the host. */
export type TypeScope = { readonly spaces: readonly ComponentType[][]; readonly resources: Resources };

const innermostTypes = ({ spaces }: TypeScope): ComponentType[] => expectKnown(spaces[0]);

/** Reads one type definition of a type section or of an instance type. */
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
      return { kind: 'value', type: readDefinedType(form, reader, scope) };
  }
}

function readFunctionType(reader: Reader, scope: TypeScope): FunctionType {
  const params = reader.vector(() => {
    reader.name();
    return readValueType(reader, scope);
  });
  const hasResult = reader.byte() === 0x00;
  const result = hasResult ? readValueType(reader, scope) : null;
  if (!hasResult) expectByte(reader.byte(), 0x00);
  const type = { params, result };
  if (countParts(type) > maxTypeParts) throw new NotFlat();
  return type;
}

/** Reads a signed number: negative for a primitive, else the index of a type. */
function readValueType(reader: Reader, scope: TypeScope): ValueType {
  const first = reader.peek();
  const primitive = primitives[first];
  if (primitive) {
    reader.byte();
    return primitive;
  }
  if (first >= 0x40 && first < 0x80) throw new NotFlat();
  return findValueType(reader.unsigned(), scope);
}

function findValueType(index: number, scope: TypeScope): ValueType {
  const type = expectKnown(innermostTypes(scope)[index]);
  if (type.kind !== 'value') throw new NotFlat();
  return type.type;
}

function findResource(index: number, scope: TypeScope): number {
  const type = expectKnown(innermostTypes(scope)[index]);
  if (type.kind !== 'resource') throw new NotFlat();
  return type.resource;
}

function readDefinedType(form: number, reader: Reader, scope: TypeScope): ValueType {
  const value = () => readValueType(reader, scope);
  const primitive = primitives[form];
  if (primitive) return primitive;
  switch (form) {
    case 0x72:
      return { record: reader.vector(() => [reader.name(), value()] as const) };
    case 0x71:
      return {
        variant: reader.vector(() => {
          const name = reader.name();
          const type = readOptional(reader, value);
          expectByte(reader.byte(), 0x00);
          return [name, type] as const;
        }),
      };
    case 0x70:
      return { list: value() };
    case 0x6f:
      return { tuple: reader.vector(value) };
    case 0x6e: {
      const flags = reader.vector(() => reader.name());
      if (flags.length > 32) throw new NotFlat();
      return { flags };
    }
    case 0x6d:
      return { enum: reader.vector(() => reader.name()) };
    case 0x6b:
      return { option: value() };
    case 0x6a: {
      const ok = readOptional(reader, value);
      return { result: [ok, readOptional(reader, value)] };
    }
    case 0x69:
      return { own: findResource(reader.unsigned(), scope) };
    case 0x68:
      return { borrow: findResource(reader.unsigned(), scope) };
    default:
      throw new NotFlat();
  }
}

/** Reads the declarations of an instance type. Its types form an index space of their own inside the outer ones. */
function readInstanceType(reader: Reader, outer: TypeScope, interfaceName: string): ImportedInstance {
  const space: ComponentType[] = [];
  const scope: TypeScope = { spaces: [space, ...outer.spaces], resources: outer.resources };
  const functions = new Map<string, FunctionType>();
  const types = new Map<string, ComponentType>();
  reader.vector(() => {
    switch (reader.byte()) {
      case 0x01:
        space.push(readType(reader, scope));
        return;
      case 0x02: // an alias of a type of an outer space
        expectByte(reader.byte(), 0x03);
        expectByte(reader.byte(), 0x02);
        space.push(expectKnown(scope.spaces[reader.unsigned()]?.[reader.unsigned()]));
        return;
      case 0x04: {
        const name = readExternName(reader);
        const type = readExportedType(reader, scope, interfaceName, name);
        if (type.kind === 'function') functions.set(name, type.type);
        else {
          space.push(type);
          types.set(name, type);
        }
        return;
      }
      default:
        throw new NotFlat();
    }
  });
  return { interface: interfaceName, functions, types };
}

/** Reads the type of an export of an instance type: a function, an alias of a known type, or a resource. */
function readExportedType(reader: Reader, scope: TypeScope, interfaceName: string, name: string): ComponentType {
  switch (reader.byte()) {
    case 0x01: {
      const type = expectKnown(innermostTypes(scope)[reader.unsigned()]);
      if (type.kind !== 'function') throw new NotFlat();
      return type;
    }
    case 0x03:
      if (reader.byte() === 0x00) return expectKnown(innermostTypes(scope)[reader.unsigned()]);
      return { kind: 'resource', resource: scope.resources.register(interfaceName, name) };
    default:
      throw new NotFlat();
  }
}

/** Reads the name of an import or export. */
export function readExternName(reader: Reader): string {
  expectByte(reader.byte(), 0x00, 0x01);
  return reader.name();
}

function readOptional<T>(reader: Reader, read: () => T): T | null {
  return reader.byte() === 0x00 ? null : read();
}

/** Counts the parts of a function's types. A type that is written out counts at each of its uses. */
function countParts({ params, result }: FunctionType): number {
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
