/**
 * Reads a component's own definitions for a way to run it without glue: which core modules to instantiate, in which
 * order, what each is given, and which core exports are the function and its canonical options (component model,
 * Binary.md and CanonicalABI.md). jco's glue does the same and much more, but is made anew for every instance.
 *
 * Only flat components qualify: no imports, no components inside, no canonical built-ins, one lifted `invoke` with
 * UTF-8 strings. Whatever is not understood does not qualify and runs on the glue.
 *
 * Invariant: the component has been validated (jco took it, and its world fits), so types and indices hold; this
 * reader checks only what decides whether the short way means the same.
 */
import { type CoreExport, type DirectPlan, maxCores } from '@skerry/shared/bundle.ts';
import { createReader, type Reader, readSections, Truncated } from './binary.ts';
import { readCoreModule } from './core-module.ts';

/** Definitions so far, each list an index space of the component. */
type Spaces = {
  readonly modules: Uint8Array[];
  /** What each core instance exports: by its number in the plan, or by name for one that only groups exports. */
  readonly coreInstances: (number | ReadonlyMap<string, CoreExport>)[];
  /** By core sort: functions, tables, memories, globals. */
  readonly core: readonly [CoreExport[], CoreExport[], CoreExport[], CoreExport[]];
  readonly functions: Lift[];
  readonly instances: DirectPlan['instances'];
  invoke: Lift | undefined;
};

type Lift = Pick<DirectPlan, 'invoke' | 'memory' | 'realloc' | 'postReturn'>;

/** The component has something that the short way does not know. Never leaves this file. */
class NotFlat extends Error {}

const sectionIds = { coreModule: 1, coreInstance: 2, coreType: 3, alias: 6, type: 7, canon: 8, export: 11 } as const;
const coreSort = { function: 0x00, memory: 0x02, instance: 0x12 } as const;
const sort = { core: 0x00, function: 0x01 } as const;

/**
 * @param modules core modules as jco wrote them, to name the component's own by: they must be the same bytes
 * @returns undefined when the component does not qualify
 */
export function planDirect(
  component: Uint8Array,
  modules: readonly { readonly name: string; readonly bytes: Uint8Array }[],
): DirectPlan | undefined {
  const spaces: Spaces = {
    modules: [],
    coreInstances: [],
    core: [[], [], [], []],
    functions: [],
    instances: [],
    invoke: undefined,
  };
  const nameOf = (bytes: Uint8Array): string =>
    known(modules.find((module) => Buffer.compare(module.bytes, bytes) === 0)?.name);
  try {
    for (const { id, content } of readSections(component)) readSection(id, content, spaces, nameOf);
    if (spaces.instances.length > maxCores) return undefined;
    return { instances: spaces.instances, ...known(spaces.invoke) };
  } catch (error) {
    if (error instanceof NotFlat || error instanceof Truncated) return undefined;
    throw error;
  }
}

function readSection(id: number, content: Uint8Array, spaces: Spaces, nameOf: (bytes: Uint8Array) => string): void {
  switch (id) {
    case 0: // custom: names and notes
    case sectionIds.type: // validated with the component, and the world tells the type of `invoke`
    case sectionIds.coreType:
      return;
    case sectionIds.coreModule:
      spaces.modules.push(content);
      return;
    case sectionIds.coreInstance:
      each(content, (reader) => readCoreInstance(reader, spaces, nameOf));
      return;
    case sectionIds.alias:
      each(content, (reader) => readAlias(reader, spaces));
      return;
    case sectionIds.canon:
      each(content, (reader) => spaces.functions.push(readLift(reader, spaces)));
      return;
    case sectionIds.export:
      each(content, (reader) => readExport(reader, spaces));
      return;
    default:
      throw new NotFlat();
  }
}

function each(content: Uint8Array, read: (reader: Reader) => void): void {
  const reader = createReader(content);
  for (let left = reader.unsigned(); left > 0; left--) read(reader);
}

/** `instantiate` with whole instances as arguments, or a group of exports under one name. */
function readCoreInstance(reader: Reader, spaces: Spaces, nameOf: (bytes: Uint8Array) => string): void {
  const form = reader.byte();
  if (form === 0x00) {
    const module = known(spaces.modules[reader.unsigned()]);
    const given = new Map<string, number | ReadonlyMap<string, CoreExport>>();
    for (let left = reader.unsigned(); left > 0; left--) {
      const name = reader.name();
      expect(reader.byte(), coreSort.instance);
      given.set(name, known(spaces.coreInstances[reader.unsigned()]));
    }
    const imports = readCoreModule(module).imports.map(({ module: from, name }) => ({
      module: from,
      name,
      from: exportOf(known(given.get(from)), name),
    }));
    spaces.coreInstances.push(spaces.instances.push({ module: nameOf(module), imports }) - 1);
  } else if (form === 0x01) {
    const group = new Map<string, CoreExport>();
    for (let left = reader.unsigned(); left > 0; left--) {
      const name = reader.name();
      group.set(name, known(coreSpace(spaces, reader.byte())[reader.unsigned()]));
    }
    spaces.coreInstances.push(group);
  } else throw new NotFlat();
}

/** Of a core instance's export; types need no place here. */
function readAlias(reader: Reader, spaces: Spaces): void {
  expect(reader.byte(), sort.core);
  const space = coreSpace(spaces, reader.byte());
  expect(reader.byte(), 0x01);
  const instance = known(spaces.coreInstances[reader.unsigned()]);
  space.push(exportOf(instance, reader.name()));
}

function readLift(reader: Reader, spaces: Spaces): Lift {
  expect(reader.byte(), 0x00);
  expect(reader.byte(), 0x00);
  const invoke = known(spaces.core[coreSort.function][reader.unsigned()]);
  let memory: CoreExport | undefined;
  let realloc: CoreExport | undefined;
  let postReturn: CoreExport | undefined;
  for (let left = reader.unsigned(); left > 0; left--) {
    const option = reader.byte();
    if (option === 0x00) continue; // utf8, which is the default as well
    const index = reader.unsigned();
    if (option === 0x03) memory = known(spaces.core[coreSort.memory][index]);
    else if (option === 0x04) realloc = known(spaces.core[coreSort.function][index]);
    else if (option === 0x05) postReturn = known(spaces.core[coreSort.function][index]);
    else throw new NotFlat();
  }
  reader.unsigned(); // its type
  return { invoke, memory: known(memory), realloc: known(realloc), ...(postReturn && { postReturn }) };
}

/** An export is a new entry in the index space of what it exports. */
function readExport(reader: Reader, spaces: Spaces): void {
  expect(reader.byte(), 0x00, 0x01);
  const name = reader.name();
  expect(reader.byte(), sort.function);
  const lift = known(spaces.functions[reader.unsigned()]);
  if (reader.byte() === 0x01) {
    expect(reader.byte(), 0x01); // ascribed a function type
    reader.unsigned();
  }
  spaces.functions.push(lift);
  if (name === 'invoke') spaces.invoke = lift;
}

function coreSpace(spaces: Spaces, kind: number): CoreExport[] {
  return known(spaces.core[kind]);
}

function exportOf(instance: number | ReadonlyMap<string, CoreExport>, name: string): CoreExport {
  return typeof instance === 'number' ? { instance, name } : known(instance.get(name));
}

function expect(byte: number, ...accepted: readonly number[]): void {
  if (!accepted.includes(byte)) throw new NotFlat();
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new NotFlat();
  return value;
}
