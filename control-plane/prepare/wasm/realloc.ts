/**
 * Gives a preview1 module a `cabi_realloc`, if it has none. The adapter takes memory for itself at its first use: with
 * the module's `cabi_realloc` when there is one, else by letting the module's memory grow behind its back, and such a
 * memory cannot be put back (prepare/reset/growth.ts).
 *
 * This one gives whole pages and takes nothing back: the adapter asks for two or three in the life of an instance.
 */
import { appendTo, exportOf, sized } from './append.ts';
import { preambleBytes, readSections, Truncated, unsignedBytes, writeSections } from './binary.ts';
import type { CoreModule } from './core-module.ts';
import { NotKnown } from './instructions.ts';
import { ids, kinds, readShape } from './module-shape.ts';

const name = 'cabi_realloc';
const i32 = 0x7f;
/** [i32 i32 i32 i32] -> [i32]: old pointer, old size, alignment, new size. */
const type = [0x60, 4, i32, i32, i32, i32, 1, i32];

/** memory.grow by the pages that the size takes; a trap when there was something before, or when it cannot grow. */
const body = [
  ...[1, 1, i32], // one local
  ...[0x20, 0, 0x04, 0x40, 0x00, 0x0b], // if old, unreachable
  ...[0x20, 3, 0x41, 0xff, 0xff, 0x03, 0x6a, 0x41, 16, 0x76], // (size + 65535) >> 16
  ...[0x40, 0, 0x22, 4], // memory.grow
  ...[0x41, 0x7f, 0x46, 0x04, 0x40, 0x00, 0x0b], // if -1, unreachable
  ...[0x20, 4, 0x41, 16, 0x74, 0x0b], // pages << 16
];

/** @returns the module as it was when it has one, or when there is something in it that is not known */
export function withRealloc(module: Uint8Array, { exports }: CoreModule): Uint8Array {
  if (exports.includes(name)) return module;
  try {
    const shape = readShape(module);
    if (shape.memory !== 'own') return module;
    let sections = readSections(module);
    sections = appendTo(sections, ids.type, type);
    sections = appendTo(sections, ids.function, unsignedBytes(shape.types));
    const index = unsignedBytes(shape.importedFunctions + shape.functions);
    sections = appendTo(sections, ids.export, exportOf(name, kinds.function, index));
    sections = appendTo(sections, ids.code, sized(body));
    return writeSections(module.subarray(0, preambleBytes), sections);
  } catch (error) {
    if (error instanceof NotKnown || error instanceof Truncated) return module;
    throw error;
  }
}
