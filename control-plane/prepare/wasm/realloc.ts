/**
 * Adds a `cabi_realloc` to a preview1 module that has none. The adapter allocates memory for itself at its first use.
 * It calls the module's `cabi_realloc` if there is one. Otherwise it grows the module's memory, and a memory that grows
 * in this way cannot be reset (prepare/reset/growth.ts).
 *
 * The added function allocates whole pages and frees nothing: the adapter needs two or three in the life of an
 * instance.
 */
import { appendToSection, encodeBody, encodeExport } from './append.ts';
import { encodeUnsigned, preambleBytes, readSections, Truncated, writeSections } from './binary.ts';
import { coreSections, externKinds, valueTypes } from './core-format.ts';
import type { CoreModule } from './core-module.ts';
import { NotKnown } from './instructions.ts';
import { readModuleShape } from './module-shape.ts';

const reallocName = 'cabi_realloc';
const { i32 } = valueTypes;
/** [i32 i32 i32 i32] -> [i32]: old pointer, old size, alignment, new size. */
const reallocType = [0x60, 4, i32, i32, i32, i32, 1, i32];

/** Grows the memory by the pages that the size needs. Traps for an old pointer, or when the memory cannot grow. */
const reallocBody = [
  ...[1, 1, i32], // one local
  ...[0x20, 0, 0x04, 0x40, 0x00, 0x0b], // if old, unreachable
  ...[0x20, 3, 0x41, 0xff, 0xff, 0x03, 0x6a, 0x41, 16, 0x76], // (size + 65535) >> 16
  ...[0x40, 0, 0x22, 4], // memory.grow
  ...[0x41, 0x7f, 0x46, 0x04, 0x40, 0x00, 0x0b], // if -1, unreachable
  ...[0x20, 4, 0x41, 16, 0x74, 0x0b], // pages << 16
];

/** @returns the unchanged module if it has a `cabi_realloc` or contains an unknown construct */
export function addRealloc(module: Uint8Array, { exports }: CoreModule): Uint8Array {
  if (exports.includes(reallocName)) return module;
  try {
    const shape = readModuleShape(module);
    if (shape.memory !== 'own') return module;
    let sections = readSections(module);
    sections = appendToSection(sections, coreSections.type, reallocType);
    sections = appendToSection(sections, coreSections.function, encodeUnsigned(shape.types));
    const index = encodeUnsigned(shape.importedFunctions + shape.functions);
    sections = appendToSection(sections, coreSections.export, encodeExport(reallocName, externKinds.function, index));
    sections = appendToSection(sections, coreSections.code, encodeBody(reallocBody));
    return writeSections(module.subarray(0, preambleBytes), sections);
  } catch (error) {
    if (error instanceof NotKnown || error instanceof Truncated) return module;
    throw error;
  }
}
