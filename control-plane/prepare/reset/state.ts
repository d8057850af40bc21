/**
 * Finds the state of a core module's instance that a call can change, and exports it. If that state is nothing but
 * memory and numeric globals, an instance with restored memory and globals equals a new one. A reset is many times
 * cheaper than an instantiation.
 *
 * A module qualifies when
 * - its imports besides functions belong to another module of the same plan, which must qualify as well, so that their
 *   state is restored there;
 * - it has at most one memory, which is not shared and has 32-bit addresses (its growth shows in its size);
 * - its globals are numbers, and its mutable globals are integers: JavaScript does not preserve the bits of a NaN;
 * - no instruction writes to a table or drops a segment (prepare/wasm/instructions.ts), and no construct is unknown.
 *
 * The start function belongs to instantiation: the restored state includes its effects.
 */
import { appendToSection, encodeExport } from '../wasm/append.ts';
import {
  createReader,
  encodeUnsigned,
  preambleBytes,
  type Reader,
  readSections,
  Truncated,
  writeSections,
} from '../wasm/binary.ts';
import { coreSections, externKinds, valueTypes } from '../wasm/core-format.ts';
import { readCoreModule } from '../wasm/core-module.ts';
import { NotKnown, readNumberType, walkExpression } from '../wasm/instructions.ts';
import { readLimits } from '../wasm/memory.ts';
import { readBodies, walkBody } from '../wasm/module-shape.ts';

const integers: ReadonlySet<number> = new Set([valueTypes.i32, valueTypes.i64]);
const functionReference = 0x70;
/** Flags of limits: none, or a maximum. Higher flags mean shared memories, 64-bit addresses and page sizes. */
const maxLimitFlags = 1;
/** Prefix of the names of the added exports. */
const prefix = 'skerry:state/';

/** A memory or a global, which a call can change. */
type StateEntry = { readonly kind: number; readonly index: number };

/**
 * @param module must compile
 * @returns the module with its state exported under these names. Undefined when it does not qualify
 */
export function exposeState(module: Uint8Array): { module: Uint8Array; names: string[] } | undefined {
  try {
    const state = findState(module);
    const names = state.map(({ kind, index }) => `${prefix}${kind}/${index}`);
    if (readCoreModule(module).exports.some((name) => name.startsWith(prefix))) return undefined;
    if (state.length === 0) return { module, names };
    return { module: addExports(module, state, names), names };
  } catch (error) {
    if (error instanceof NotKnown || error instanceof Truncated) return undefined;
    throw error;
  }
}

/** @throws NotKnown when the module may have further state */
function findState(module: Uint8Array): StateEntry[] {
  const state: StateEntry[] = [];
  let imported: number[] = [];
  const countImported = (kind: number) => imported.filter((other) => other === kind).length;
  for (const { id, content } of readSections(module)) {
    const reader = createReader(content);
    if (id > coreSections.last) throw new NotKnown(`section ${id}`);
    if (id === coreSections.import) imported = reader.vector(() => readImport(reader));
    if (id === coreSections.table) reader.vector(() => checkTable(reader));
    if (id === coreSections.memory) {
      state.push(...reader.vector((index) => readSingleMemory(reader, countImported(externKinds.memory) + index)));
    }
    if (id === coreSections.global) {
      state.push(...reader.vector((index) => readGlobal(reader, countImported(externKinds.global) + index)).flat());
    }
    if (id === coreSections.code) for (const body of readBodies(reader)) checkBody(body);
  }
  return state;
}

/** @returns the kind of the import */
function readImport(reader: Reader): number {
  reader.name();
  reader.name();
  const kind = reader.byte();
  switch (kind) {
    case externKinds.function:
      reader.unsigned();
      return kind;
    case externKinds.table:
      checkTable(reader);
      return kind;
    case externKinds.memory:
      checkMemory(reader);
      return kind;
    case externKinds.global:
      readNumberType(reader);
      reader.byte();
      return kind;
    default:
      throw new NotKnown(`an import of kind ${kind}`);
  }
}

/** Accepts a table of function references that start as null. Objects behind other references could hold state. */
function checkTable(reader: Reader): void {
  if (reader.byte() !== functionReference) throw new NotKnown('a table of something else than functions');
  if (readLimits(reader).flags > maxLimitFlags) throw new NotKnown('a table with flags');
}

function readSingleMemory(reader: Reader, index: number): StateEntry {
  if (index > 0) throw new NotKnown('a second memory');
  checkMemory(reader);
  return { kind: externKinds.memory, index };
}

function checkMemory(reader: Reader): void {
  if (readLimits(reader).flags > maxLimitFlags) throw new NotKnown('a memory with flags');
}

function readGlobal(reader: Reader, index: number): StateEntry[] {
  const type = readNumberType(reader);
  const mutable = reader.byte() !== 0;
  if (mutable && !integers.has(type)) throw new NotKnown('a global with a fraction that changes');
  walkExpression(reader);
  return mutable ? [{ kind: externKinds.global, index }] : [];
}

/** The expression must end with the body. */
function checkBody(body: Uint8Array): void {
  if (!walkBody(body).done) throw new NotKnown('more after the end of a function');
}

/** A module with state has an export section, or no caller could reach it. */
function addExports(module: Uint8Array, state: readonly StateEntry[], names: readonly string[]): Uint8Array {
  let sections = readSections(module);
  if (!sections.some(({ id }) => id === coreSections.export)) throw new NotKnown('state and no exports');
  for (const [at, { kind, index }] of state.entries()) {
    sections = appendToSection(
      sections,
      coreSections.export,
      encodeExport(names[at] ?? '', kind, encodeUnsigned(index)),
    );
  }
  return writeSections(module.subarray(0, preambleBytes), sections);
}
