/**
 * Writes a limit into the tables of core modules. An element costs the host several words, and a table can grow to ten
 * million elements, which no memory limit counts.
 *
 * Invariant: the tables of a module that `capTables` returned have at most `maxElements` elements together.
 */
import { createReader, encodeUnsigned, preambleBytes, type Reader, readSections, writeSections } from './binary.ts';
import { coreSections } from './core-format.ts';
import { readLimits } from './memory.ts';
import { rejected } from './refusal.ts';

/** Maximum for all tables of a module together. Toolchains make one table, with an element per function pointer. */
export const maxElements = 200_000;

const hasMaximum = 1;
/** Begins a table whose elements start with the value of an expression (core specification 3.0, section 5.5.7). */
const withInitialValue = 0x40;

/** @throws SkerryError `component_rejected` when the tables start with more elements, or have an unknown kind */
export function capTables(module: Uint8Array): Uint8Array {
  const sections = readSections(module).map((section) => {
    if (section.id !== coreSections.table) return section;
    const reader = createReader(section.content);
    const count = reader.unsigned();
    const share = Math.floor(maxElements / Math.max(count, 1));
    const content = encodeUnsigned(count);
    for (let index = 0; index < count; index++) content.push(...capTable(reader, share));
    return { id: section.id, content: Uint8Array.from(content) };
  });
  return writeSections(module.subarray(0, preambleBytes), sections);
}

function capTable(reader: Reader, share: number): number[] {
  const type = reader.byte();
  // Only the two types of WebAssembly 2.0 are one byte. Other types belong to proposals that no WASI toolchain needs.
  const isKnown = type === 0x70 || type === 0x6f;
  if (type === withInitialValue || !isKnown) throw rejected('it has a table of a kind that is not supported');
  const { flags, minimum, maximum } = readLimits(reader);
  if (minimum > share) throw rejected(`its tables start with more than ${maxElements} elements`);
  const capped = Math.min(maximum ?? share, share);
  return [type, flags | hasMaximum, ...encodeUnsigned(minimum), ...encodeUnsigned(capped)];
}
