/**
 * Reads a component's own definitions for a way to run it without glue: which core modules to instantiate, in which
 * order, what each is given, which functions of the host that takes, and which core exports are the component's
 * functions and their canonical options (component model, Binary.md and CanonicalABI.md). jco's glue does the same and
 * much more, but is made anew for every instance.
 *
 * Only flat components qualify: no canonical built-ins but dropping handles, UTF-8 strings, and no components inside
 * but the shells that toolchains put around exported interfaces, which hold nothing but imports and exports.
 *
 * Invariant: the component has been validated (jco took it, and its world fits), so types and indices hold; this
 * reader checks only what decides whether the short way means the same.
 *
 * Somewhat over 300 lines: each section of the format names places in the index spaces of the others.
 */
import {
  type CoreExport,
  type FunctionType,
  type HostFunction,
  type LinkedPlan,
  maxCores,
  maxHostFunctions,
} from '@skerry/shared/function/linked-plan.ts';
import { createReader, type Reader, readSections, Truncated } from '../wasm/binary.ts';
import { readCoreModule } from '../wasm/core-module.ts';
import {
  type ComponentType,
  expect,
  type ImportedInstance,
  known,
  NotFlat,
  type Resources,
  readExternName,
  readType,
  type TypeScope,
  times,
} from './component-types.ts';
import { readShell, type Shell } from './shell-component.ts';

/** A function that the component exports. */
export type Lift = LinkedPlan['entry'];

export type FlatComponent = Pick<LinkedPlan, 'resources' | 'host' | 'instances'> & {
  /** By name: `invoke`, or `wasi:cli/run@0.2.3#run` for a function of an interface. */
  readonly exports: ReadonlyMap<string, Lift>;
};

/** What a core function is: a core export, or a function of the host by its place. */
type CoreFunction = CoreExport | { readonly host: number };
type CoreGroup = ReadonlyMap<string, CoreFunction>;

type ComponentFunction =
  | { readonly kind: 'imported'; readonly interface: string; readonly name: string; readonly type: FunctionType }
  | { readonly kind: 'lifted'; readonly lift: Lift };
type ComponentInstance = ImportedInstance | { readonly exports: ReadonlyMap<string, ComponentFunction> };

/** Definitions so far, each list an index space of the component. */
type Spaces = {
  readonly scope: TypeScope;
  readonly types: ComponentType[];
  readonly modules: Uint8Array[];
  /** What each core instance exports: by its number in the plan, or by name for one that only groups exports. */
  readonly coreInstances: (number | CoreGroup)[];
  /** By core sort: functions, tables, memories, globals. */
  readonly core: readonly [CoreFunction[], CoreFunction[], CoreFunction[], CoreFunction[]];
  readonly functions: ComponentFunction[];
  readonly instances: ComponentInstance[];
  readonly shells: Shell[];
  /** Functions of the host that may wait, as `interface#function`. */
  readonly suspending: ReadonlySet<string>;
  readonly plan: { resources: LinkedPlan['resources']; host: HostFunction[]; instances: LinkedPlan['instances'] };
  readonly exports: Map<string, Lift>;
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
const coreSort = { function: 0x00, memory: 0x02, instance: 0x12 } as const;
const sort = { core: 0x00, function: 0x01, type: 0x03, instance: 0x05 } as const;

/**
 * @param modules core modules as jco wrote them, to name the component's own by: they must be the same bytes
 * @param suspending functions of the host that may wait, as `interface#function`
 * @returns undefined when the component does not qualify
 */
export function readFlatComponent(
  component: Uint8Array,
  modules: readonly { readonly name: string; readonly bytes: Uint8Array }[],
  suspending: readonly string[],
): FlatComponent | undefined {
  const nameOf = (bytes: Uint8Array): string =>
    known(modules.find((module) => Buffer.compare(module.bytes, bytes) === 0)?.name);
  try {
    const spaces = newSpaces(new Set(suspending));
    for (const { id, content } of readSections(component)) readSection(id, content, spaces, nameOf);
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

function newSpaces(suspending: ReadonlySet<string>): Spaces {
  const plan: Spaces['plan'] = { resources: [], host: [], instances: [] };
  const resources: Resources = {
    numberOf(interfaceName, name) {
      const at = plan.resources.findIndex((other) => other.interface === interfaceName && other.name === name);
      return at >= 0 ? at : plan.resources.push({ interface: interfaceName, name }) - 1;
    },
  };
  const types: ComponentType[] = [];
  return {
    scope: { spaces: [types], resources },
    types,
    modules: [],
    coreInstances: [],
    core: [[], [], [], []],
    functions: [],
    instances: [],
    shells: [],
    suspending,
    plan,
    exports: new Map(),
  };
}

function readSection(id: number, content: Uint8Array, spaces: Spaces, nameOf: (bytes: Uint8Array) => string) {
  const each = (read: (reader: Reader) => void) => {
    const reader = createReader(content);
    times(reader, () => read(reader));
  };
  switch (id) {
    case sectionIds.custom:
    case sectionIds.coreType:
      return;
    case sectionIds.coreModule:
      spaces.modules.push(content);
      return;
    case sectionIds.coreInstance:
      return each((reader) => readCoreInstance(reader, spaces, nameOf));
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
      return each((reader) => readCanon(reader, spaces));
    case sectionIds.import:
      return each((reader) => readImport(reader, spaces));
    case sectionIds.export:
      return each((reader) => readExport(reader, spaces));
    default:
      throw new NotFlat();
  }
}

/** `instantiate` with whole instances as arguments, or a group of exports under one name. */
function readCoreInstance(reader: Reader, spaces: Spaces, nameOf: (bytes: Uint8Array) => string): void {
  const form = reader.byte();
  if (form === 0x00) {
    const module = known(spaces.modules[reader.unsigned()]);
    const given = new Map<string, number | CoreGroup>();
    times(reader, () => {
      const name = reader.name();
      expect(reader.byte(), coreSort.instance);
      given.set(name, known(spaces.coreInstances[reader.unsigned()]));
    });
    const imports = readCoreModule(module).imports.map(({ module: from, name }) => ({
      module: from,
      name,
      from: exportOf(known(given.get(from)), name),
    }));
    spaces.coreInstances.push(spaces.plan.instances.push({ module: nameOf(module), imports }) - 1);
  } else if (form === 0x01) {
    const group = new Map<string, CoreFunction>();
    times(reader, () => {
      const name = reader.name();
      group.set(name, known(known(spaces.core[reader.byte()])[reader.unsigned()]));
    });
    spaces.coreInstances.push(group);
  } else throw new NotFlat();
}

/** A shell with its arguments, of which only functions matter. */
function readInstance(reader: Reader, spaces: Spaces): ComponentInstance {
  expect(reader.byte(), 0x00);
  const shell = known(spaces.shells[reader.unsigned()]);
  const given = new Map<string, ComponentFunction>();
  times(reader, () => {
    const name = reader.name();
    const kind = reader.byte();
    expect(kind, sort.function, sort.type);
    const index = reader.unsigned();
    if (kind === sort.function) given.set(name, known(spaces.functions[index]));
  });
  const exports = [...shell].map(([name, from]) => [name, known(given.get(from))] as const);
  return { exports: new Map(exports) };
}

/** Of a core instance's export, or of something in an instance of the host. */
function readAlias(reader: Reader, spaces: Spaces): void {
  const kind = reader.byte();
  if (kind === sort.core) {
    const space = known(spaces.core[reader.byte()]);
    expect(reader.byte(), 0x01);
    const instance = known(spaces.coreInstances[reader.unsigned()]);
    space.push(exportOf(instance, reader.name()));
    return;
  }
  expect(kind, sort.function, sort.type);
  expect(reader.byte(), 0x00);
  const instance = known(spaces.instances[reader.unsigned()]);
  const name = reader.name();
  if (!('interface' in instance)) throw new NotFlat();
  if (kind === sort.type) spaces.types.push(known(instance.types.get(name)));
  else {
    const type = known(instance.functions.get(name));
    spaces.functions.push({ kind: 'imported', interface: instance.interface, name, type });
  }
}

function readCanon(reader: Reader, spaces: Spaces): void {
  const { functions, plan, core, types } = spaces;
  const coreFunctions = core[coreSort.function];
  const addHost = (fn: HostFunction) => coreFunctions.push({ host: plan.host.push(fn) - 1 });
  switch (reader.byte()) {
    case 0x00: {
      expect(reader.byte(), 0x00);
      const called = coreExport(coreFunctions[reader.unsigned()]);
      const { postReturn, ...options } = readOptions(reader, spaces);
      const type = known(types[reader.unsigned()]);
      if (type.kind !== 'function') throw new NotFlat();
      const lift: Lift = { core: called, type: type.type, options, ...(postReturn && { postReturn }) };
      functions.push({ kind: 'lifted', lift });
      return;
    }
    case 0x01: {
      expect(reader.byte(), 0x00);
      const fn = known(functions[reader.unsigned()]);
      if (fn.kind !== 'imported') throw new NotFlat();
      const { postReturn: _, ...options } = readOptions(reader, spaces);
      const { interface: interfaceName, name, type } = fn;
      const suspends = spaces.suspending.has(`${interfaceName}#${name}`);
      addHost({ interface: interfaceName, function: name, type, options, suspends });
      return;
    }
    case 0x03: {
      const type = known(types[reader.unsigned()]);
      if (type.kind !== 'resource') throw new NotFlat();
      addHost({ drop: type.resource });
      return;
    }
    default:
      throw new NotFlat();
  }
}

function readOptions(reader: Reader, { core }: Spaces) {
  let memory: CoreExport | undefined;
  let realloc: CoreExport | undefined;
  let postReturn: CoreExport | undefined;
  times(reader, () => {
    const option = reader.byte();
    if (option === 0x00) return; // utf8, which is the default as well
    const index = reader.unsigned();
    if (option === 0x03) memory = coreExport(core[coreSort.memory][index]);
    else if (option === 0x04) realloc = coreExport(core[coreSort.function][index]);
    else if (option === 0x05) postReturn = coreExport(core[coreSort.function][index]);
    else throw new NotFlat();
  });
  return { ...(memory && { memory }), ...(realloc && { realloc }), ...(postReturn && { postReturn }) };
}

function readImport(reader: Reader, { types, instances }: Spaces): void {
  const name = readExternName(reader);
  expect(reader.byte(), sort.instance);
  const type = known(types[reader.unsigned()]);
  if (type.kind !== 'instance') throw new NotFlat();
  instances.push(type.read(name.replace(/@.*$/, '')));
}

/** An export is a new entry in the index space of what it exports. */
function readExport(reader: Reader, spaces: Spaces): void {
  const name = readExternName(reader);
  const kind = reader.byte();
  const index = reader.unsigned();
  if (reader.byte() === 0x01) {
    expect(reader.byte(), sort.function, sort.instance); // ascribed a type
    reader.unsigned();
  }
  if (kind === sort.function) {
    const fn = known(spaces.functions[index]);
    spaces.functions.push(fn);
    if (fn.kind === 'lifted') spaces.exports.set(name, fn.lift);
    return;
  }
  expect(kind, sort.instance);
  const instance = known(spaces.instances[index]);
  spaces.instances.push(instance);
  if ('interface' in instance) throw new NotFlat();
  for (const [inner, fn] of instance.exports) {
    if (fn.kind === 'lifted') spaces.exports.set(`${name}#${inner}`, fn.lift);
  }
}

function exportOf(instance: number | CoreGroup, name: string): CoreFunction {
  return typeof instance === 'number' ? { instance, name } : known(instance.get(name));
}

function coreExport(fn: CoreFunction | undefined): CoreExport {
  const found = known(fn);
  if ('host' in found) throw new NotFlat();
  return found;
}
