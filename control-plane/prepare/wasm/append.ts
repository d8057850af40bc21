/** Appends entries to the sections of a core module. Existing entries keep their indices. */
import { createReader, encodeUnsigned, type Section } from './binary.ts';

/** Section ids in the order of a module (core specification, 5.5.16). Those of tags and data counts lie in between. */
const sectionOrder = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

/** @param entry appended to the section's vector. A missing section is created */
export function appendToSection(sections: readonly Section[], id: number, entry: ArrayLike<number>): Section[] {
  const at = sections.findIndex((section) => section.id === id);
  const old = sections[at];
  if (old) {
    const reader = createReader(old.content);
    const count = reader.unsigned();
    return sections.with(at, { id, content: encodeVector(count + 1, [old.content.subarray(reader.position), entry]) });
  }
  const laterIds = new Set(sectionOrder.slice(sectionOrder.indexOf(id) + 1));
  const before = sections.findIndex((section) => laterIds.has(section.id));
  const created = { id, content: encodeVector(1, [entry]) };
  return sections.toSpliced(before < 0 ? sections.length : before, 0, created);
}

/** Encodes a vector: the count, then the bytes of its entries. */
export function encodeVector(count: number, parts: readonly ArrayLike<number>[]): Uint8Array {
  return Buffer.concat([encodeUnsigned(count), ...parts].map((part) => Uint8Array.from(part)));
}

/** Encodes a function body with its length before it. */
export const encodeBody = (body: ArrayLike<number>): Uint8Array => encodeVector(body.length, [body]);

/** Encodes an entry of an export section. */
export function encodeExport(name: string, kind: number, index: ArrayLike<number>): Uint8Array {
  const bytes = Buffer.from(name);
  return encodeVector(bytes.byteLength, [bytes, [kind], index]);
}
