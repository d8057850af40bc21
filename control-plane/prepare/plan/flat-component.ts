/**
 * Reads the definitions of a component to find out how to run it without glue: which core modules to instantiate, in
 * which order and with which imports, which host functions they need, and which core exports are the component's
 * functions, with their canonical options (component model, Binary.md and CanonicalABI.md). jco's glue does the same
 * and much more, but runs again for every instance.
 *
 * Only flat components qualify. They have no canonical built-ins but drops of handles, only UTF-8 strings, and no
 * nested components but the shells that toolchains put around exported interfaces. A shell contains only imports and
 * exports.
 *
 * Invariant: the component has been validated (jco has accepted it, and its world fits), so that types and indices are
 * valid. The reader checks only whether running without glue means the same.
 */
import { type LinkedPlan, maxCores, maxHostFunctions } from '@skerry/shared/function/linked-plan.ts';
import { createReader, type Reader, readSections, Truncated } from '../wasm/binary.ts';
import { readCoreModule } from '../wasm/core-module.ts';
import { readCanonicalDefinition } from './canonical-definitions.ts';
import { expectByte, expectKnown, NotFlat, readExternName, readType } from './component-types.ts';
import {
  type ComponentFunction,
  type ComponentInstance,
  type CoreFunction,
  type CoreGroup,
  coreSort,
  createIndexSpaces,
  findExport,
  type IndexSpaces,
  type Lift,
} from './index-spaces.ts';
import { readShell } from './shell-component.ts';

export type FlatComponent = Pick<LinkedPlan, 'resources' | 'host' | 'instances'> & {
  /** By name: `invoke`, or `wasi:cli/run@0.2.3#run` for a function of an interface. */
  readonly exports: ReadonlyMap<string, Lift>;
};

const sectionIds = {
  custom: 0,
  coreModule: 1,
  coreInstance: 2,
  coreType: 3,
  component: 4,
  instance: 5,
  alias: 6,
  type: 7,
  canon: 8,
  import: 10,
  export: 11,
} as const;
const sort = { core: 0x00, function: 0x01, type: 0x03, instance: 0x05 } as const;

/**
 * @param modules core modules as jco wrote them, with the names of the plan. The component's modules must have the same
 *   bytes
 * @param suspending host functions that may wait, as `interface#function`
 * @returns undefined when the component does not qualify
 */
export function readFlatComponent(
  component: Uint8Array,
  modules: readonly { readonly name: string; readonly bytes: Uint8Array }[],
  suspending: readonly string[],
): FlatComponent | undefined {
  const findModuleName = (bytes: Uint8Array): string =>
    expectKnown(modules.find((module) => Buffer.compare(module.bytes, bytes) === 0)?.name);
  try {
    const spaces = createIndexSpaces(suspending);
    for (const { id, content } of readSections(component)) readSection(id, content, spaces, findModuleName);
    const { plan, exports } = spaces;
    const { instances, host, resources } = plan;
    const fits =
      instances.length <= maxCores && host.length <= maxHostFunctions && resources.length <= maxHostFunctions;
    return fits ? { ...plan, exports } : undefined;
  } catch (error) {
    if (error instanceof NotFlat || error instanceof Truncated) return undefined;
    throw error;
  }
}

function readSection(
  id: number,
  content: Uint8Array,
  spaces: IndexSpaces,
  findModuleName: (bytes: Uint8Array) => string,
) {
  const each = (read: (reader: Reader) => void) => {
    const reader = createReader(content);
    reader.vector(() => read(reader));
  };
  switch (id) {
    case sectionIds.custom:
    case sectionIds.coreType:
      return;
    case sectionIds.coreModule:
      spaces.modules.push(content);
      return;
    case sectionIds.coreInstance:
      return each((reader) => readCoreInstance(reader, spaces, findModuleName));
    case sectionIds.component:
      spaces.shells.push(readShell(content));
      return;
    case sectionIds.instance:
      return each((reader) => spaces.instances.push(readInstance(reader, spaces)));
    case sectionIds.alias:
      return each((reader) => readAlias(reader, spaces));
    case sectionIds.type:
      return each((reader) => spaces.types.push(readType(reader, spaces.scope)));
    case sectionIds.canon:
      return each((reader) => readCanonicalDefinition(reader, spaces));
    case sectionIds.import:
      return each((reader) => readImport(reader, spaces));
    case sectionIds.export:
      return each((reader) => readExport(reader, spaces));
    default:
      throw new NotFlat();
  }
}

/** Reads `instantiate` with whole instances as arguments, or a group of exports. */
function readCoreInstance(reader: Reader, spaces: IndexSpaces, findModuleName: (bytes: Uint8Array) => string): void {
  const form = reader.byte();
  if (form === 0x00) {
    const module = expectKnown(spaces.modules[reader.unsigned()]);
    const args = new Map<string, number | CoreGroup>();
    reader.vector(() => {
      const name = reader.name();
      expectByte(reader.byte(), coreSort.instance);
      args.set(name, expectKnown(spaces.coreInstances[reader.unsigned()]));
    });
    const imports = readCoreModule(module).imports.map(({ module: from, name }) => ({
      module: from,
      name,
      from: findExport(expectKnown(args.get(from)), name),
    }));
    spaces.coreInstances.push(spaces.plan.instances.push({ module: findModuleName(module), imports }) - 1);
  } else if (form === 0x01) {
    const group = new Map<string, CoreFunction>();
    reader.vector(() => {
      const name = reader.name();
      group.set(name, expectKnown(expectKnown(spaces.core[reader.byte()])[reader.unsigned()]));
    });
    spaces.coreInstances.push(group);
  } else throw new NotFlat();
}

/** Reads the instance of a shell. Of its arguments only the functions matter. */
function readInstance(reader: Reader, spaces: IndexSpaces): ComponentInstance {
  expectByte(reader.byte(), 0x00);
  const shell = expectKnown(spaces.shells[reader.unsigned()]);
  const args = new Map<string, ComponentFunction>();
  reader.vector(() => {
    const name = reader.name();
    const kind = reader.byte();
    expectByte(kind, sort.function, sort.type);
    const index = reader.unsigned();
    if (kind === sort.function) args.set(name, expectKnown(spaces.functions[index]));
  });
  const exports = [...shell].map(([name, from]) => [name, expectKnown(args.get(from))] as const);
  return { exports: new Map(exports) };
}

/** Reads an alias of a core instance's export, or of a function or type in an instance of the host. */
function readAlias(reader: Reader, spaces: IndexSpaces): void {
  const kind = reader.byte();
  if (kind === sort.core) {
    const space = expectKnown(spaces.core[reader.byte()]);
    expectByte(reader.byte(), 0x01);
    const instance = expectKnown(spaces.coreInstances[reader.unsigned()]);
    space.push(findExport(instance, reader.name()));
    return;
  }
  expectByte(kind, sort.function, sort.type);
  expectByte(reader.byte(), 0x00);
  const instance = expectKnown(spaces.instances[reader.unsigned()]);
  const name = reader.name();
  if (!('interface' in instance)) throw new NotFlat();
  if (kind === sort.type) spaces.types.push(expectKnown(instance.types.get(name)));
  else {
    const type = expectKnown(instance.functions.get(name));
    spaces.functions.push({ kind: 'imported', interface: instance.interface, name, type });
  }
}

function readImport(reader: Reader, { types, instances }: IndexSpaces): void {
  const name = readExternName(reader);
  expectByte(reader.byte(), sort.instance);
  const type = expectKnown(types[reader.unsigned()]);
  if (type.kind !== 'instance') throw new NotFlat();
  instances.push(type.read(name.replace(/@.*$/, '')));
}

/** Reads an export, which is a new entry in the index space of the exported definition. */
function readExport(reader: Reader, spaces: IndexSpaces): void {
  const name = readExternName(reader);
  const kind = reader.byte();
  const index = reader.unsigned();
  if (reader.byte() === 0x01) {
    expectByte(reader.byte(), sort.function, sort.instance); // ascribed a type
    reader.unsigned();
  }
  if (kind === sort.function) {
    const exported = expectKnown(spaces.functions[index]);
    spaces.functions.push(exported);
    if (exported.kind === 'lifted') spaces.exports.set(name, exported.lift);
    return;
  }
  expectByte(kind, sort.instance);
  const instance = expectKnown(spaces.instances[index]);
  spaces.instances.push(instance);
  if ('interface' in instance) throw new NotFlat();
  for (const [inner, exported] of instance.exports) {
    if (exported.kind === 'lifted') spaces.exports.set(`${name}#${inner}`, exported.lift);
  }
}
