/**
 * Which state of a core module's instance a call can change, and a way to reach it from outside. When that state is
 * its memory and numeric globals and nothing else, an instance whose memory and globals are put back to what they
 * were after instantiation cannot be told from a new one; resetting is many times cheaper than instantiating.
 *
 * A module qualifies when
 *   - what it imports besides functions belongs to another module of the same plan, which has to qualify as well, so
 *     that its state is put back there;
 *   - it has at most one memory, not shared, of 32-bit addresses (its growth shows in its size);
 *   - its globals are numbers, and those that change are integers: a NaN's bits do not survive JavaScript;
 *   - no instruction writes to a table or drops a segment (prepare/wasm/instructions.ts), and nothing in it is unknown to us.
 *
 * Its start function belongs to instantiation: what that does is in the state that is put back.
 */
import { appendTo, exportOf } from '../wasm/append.ts';
import {
  createReader,
  preambleBytes,
  type Reader,
  readSections,
  Truncated,
  unsignedBytes,
  writeSections,
} from '../wasm/binary.ts';
import { readCoreModule } from '../wasm/core-module.ts';
import { NotKnown, readNumberType, walkExpression } from '../wasm/instructions.ts';
import { readLimits } from '../wasm/memory.ts';

const sectionIds = { import: 2, table: 4, memory: 5, global: 6, export: 7, code: 10, last: 12 } as const;
const kinds = { function: 0, table: 1, memory: 2, global: 3 } as const;
/** i32 and i64 in the binary format. */
const integers: ReadonlySet<number> = new Set([0x7f, 0x7e]);
const functionReference = 0x70;
/** Flags of limits: none, or a maximum. The others are for shared memories, 64-bit addresses and page sizes. */
const plainLimits = 1;
/** Begins the names of the exports that are added. */
const prefix = 'skerry:state/';

type Exported = { readonly kind: number; readonly index: number };

/**
 * @param module one that compiles
 * @returns the module, its state exported under the names given; undefined when it does not qualify
 */
export function exposeState(module: Uint8Array): { module: Uint8Array; names: string[] } | undefined {
  try {
    const state = stateOf(module);
    const names = state.map(({ kind, index }) => `${prefix}${kind}/${index}`);
    if (readCoreModule(module).exports.some((name) => name.startsWith(prefix))) return undefined;
    if (state.length === 0) return { module, names };
    return { module: addExports(module, state, names), names };
  } catch (error) {
    if (error instanceof NotKnown || error instanceof Truncated) return undefined;
    throw error;
  }
}

/** @throws NotKnown when there may be more to it */
function stateOf(module: Uint8Array): Exported[] {
  const state: Exported[] = [];
  let imported: number[] = [];
  const importedOf = (kind: number) => imported.filter((other) => other === kind).length;
  for (const { id, content } of readSections(module)) {
    const reader = createReader(content);
    if (id > sectionIds.last) throw new NotKnown(`section ${id}`);
    if (id === sectionIds.import) imported = each(reader, readImport);
    if (id === sectionIds.table) each(reader, plainTable);
    if (id === sectionIds.memory) {
      state.push(...each(reader, (_, index) => onlyMemory(reader, importedOf(kinds.memory) + index)));
    }
    if (id === sectionIds.global) {
      state.push(...each(reader, (_, index) => readGlobal(reader, importedOf(kinds.global) + index)).flat());
    }
    if (id === sectionIds.code) each(reader, () => readBody(reader.bytes()));
  }
  return state;
}

function each<T>(reader: Reader, read: (reader: Reader, index: number) => T): T[] {
  return Array.from({ length: reader.unsigned() }, (_, index) => read(reader, index));
}

/** @returns its kind */
function readImport(reader: Reader): number {
  reader.name();
  reader.name();
  const kind = reader.byte();
  switch (kind) {
    case kinds.function:
      reader.unsigned();
      return kind;
    case kinds.table:
      plainTable(reader);
      return kind;
    case kinds.memory:
      plainMemory(reader);
      return kind;
    case kinds.global:
      readNumberType(reader);
      reader.byte();
      return kind;
    default:
      throw new NotKnown(`an import of kind ${kind}`);
  }
}

/** One of function references that start as null; other tables could hold state behind what they refer to. */
function plainTable(reader: Reader): void {
  if (reader.byte() !== functionReference) throw new NotKnown('a table of something else than functions');
  if (readLimits(reader).flags > plainLimits) throw new NotKnown('a table with flags');
}

function onlyMemory(reader: Reader, index: number): Exported {
  if (index > 0) throw new NotKnown('a second memory');
  plainMemory(reader);
  return { kind: kinds.memory, index };
}

function plainMemory(reader: Reader): void {
  if (readLimits(reader).flags > plainLimits) throw new NotKnown('a memory with flags');
}

function readGlobal(reader: Reader, index: number): Exported[] {
  const type = readNumberType(reader);
  const mutable = reader.byte() !== 0;
  if (mutable && !integers.has(type)) throw new NotKnown('a global with a fraction that changes');
  walkExpression(reader);
  return mutable ? [{ kind: kinds.global, index }] : [];
}

/** Locals, then an expression up to the very end. */
function readBody(body: Uint8Array): void {
  const reader = createReader(body);
  for (let left = reader.unsigned(); left > 0; left--) {
    reader.unsigned();
    readNumberType(reader);
  }
  walkExpression(reader);
  if (!reader.done) throw new NotKnown('more after the end of a function');
}

/** To its export section; a module with state has one, or nothing could call it. */
function addExports(module: Uint8Array, state: readonly Exported[], names: readonly string[]): Uint8Array {
  let sections = readSections(module);
  if (!sections.some(({ id }) => id === sectionIds.export)) throw new NotKnown('state and no exports');
  for (const [at, { kind, index }] of state.entries()) {
    sections = appendTo(sections, sectionIds.export, exportOf(names[at] ?? '', kind, unsignedBytes(index)));
  }
  return writeSections(module.subarray(0, preambleBytes), sections);
}
