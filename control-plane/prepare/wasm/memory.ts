/**
 * Writes the memory limit of a function into its core modules. Nothing else enforces the limit: neither the component
 * model nor a worker's resource limits count linear memory.
 *
 * Invariant: no memory of a module that `capMemory` returned can exceed the limit.
 */
import { createReader, encodeUnsigned, preambleBytes, type Reader, readSections, writeSections } from './binary.ts';
import { coreSections } from './core-format.ts';
import { rejected } from './refusal.ts';

/** Limits of a memory or table in the binary format. Sizes are pages or elements. */
type Limits = { readonly flags: number; readonly minimum: number; readonly maximum: number | undefined };

const pageBytes = 65_536;
const hasMaximum = 1;
const customPageSize = 8;

export function readLimits(reader: Reader): Limits {
  const flags = reader.byte();
  const minimum = reader.unsigned();
  const maximum = flags & hasMaximum ? reader.unsigned() : undefined;
  return { flags, minimum, maximum };
}

/**
 * @param limitBytes limit of each memory, rounded down to whole pages
 * @returns the module with its maxima lowered to the limit, and the initial size of its own memories
 * @throws SkerryError `component_rejected` when the initial size of a memory exceeds the limit
 */
export function capMemory(module: Uint8Array, limitBytes: number): { module: Uint8Array; initialBytes: number } {
  const limitPages = Math.floor(limitBytes / pageBytes);
  let initialPages = 0;
  const sections = readSections(module).map((section) => {
    if (section.id !== coreSections.memory) return section;
    const reader = createReader(section.content);
    const count = reader.unsigned();
    const content = encodeUnsigned(count);
    for (let index = 0; index < count; index++) {
      const { flags, minimum, maximum } = readLimits(reader);
      if (flags & customPageSize) throw rejected('it uses memory pages of its own size');
      if (minimum > limitPages) {
        throw rejected(
          `it starts with ${minimum * pageBytes} bytes of memory and the limit is ${limitBytes}; raise limits.memory_bytes`,
        );
      }
      initialPages += minimum;
      const capped = Math.min(maximum ?? limitPages, limitPages);
      content.push(flags | hasMaximum, ...encodeUnsigned(minimum), ...encodeUnsigned(capped));
    }
    return { id: section.id, content: Uint8Array.from(content) };
  });
  return { module: writeSections(module.subarray(0, preambleBytes), sections), initialBytes: initialPages * pageBytes };
}
