/**
 * Writes a limit into the tables of core modules: an element costs the host several words, and a table can grow to
 * ten million of them, past any limit of memory.
 *
 * Invariant: the tables of a module that went through `capTables` cannot have more than `maxElements` together, beyond
 * those that they start with.
 */
import { createReader, preambleBytes, type Reader, readSections, unsignedBytes, writeSections } from './binary.ts';
import { readLimits } from './memory.ts';
import { rejected } from './refusal.ts';

/** Elements of all tables of a module. Toolchains make one table, with an element for each function pointer. */
export const maxElements = 200_000;

const tableSection = 4;
const hasMaximum = 1;
/** A table whose elements start with the value of an expression (core specification 3.0, section 5.5.7). */
const withInitialValue = 0x40;

/** @throws SkerryError `component_rejected` when the tables start with more, or are of a kind that is not known here */
export function capTables(module: Uint8Array): Uint8Array {
  const sections = readSections(module).map((section) => {
    if (section.id !== tableSection) return section;
    const reader = createReader(section.content);
    const count = reader.unsigned();
    const share = Math.floor(maxElements / Math.max(count, 1));
    const content = unsignedBytes(count);
    for (let index = 0; index < count; index++) content.push(...cappedTable(reader, share));
    return { id: section.id, content: Uint8Array.from(content) };
  });
  return writeSections(module.subarray(0, preambleBytes), sections);
}

function cappedTable(reader: Reader, share: number): number[] {
  const type = reader.byte();
  // Only the two types of WebAssembly 2.0 are one byte; others belong to proposals that no toolchain needs for WASI.
  const known = type === 0x70 || type === 0x6f;
  if (type === withInitialValue || !known) throw rejected('it has a table of a kind that is not supported');
  const { flags, minimum, maximum } = readLimits(reader);
  if (minimum > share) throw rejected(`its tables start with more than ${maxElements} elements`);
  const capped = Math.min(maximum ?? share, share);
  return [type, flags | hasMaximum, ...unsignedBytes(minimum), ...unsignedBytes(capped)];
}
