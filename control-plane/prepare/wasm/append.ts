/** Adds to the sections of a core module, at their ends, so that nothing that is there changes its place. */
import { createReader, type Section, unsignedBytes } from './binary.ts';

/** Sections by their place in a module (core specification, 5.5.16): that of tags and of data counts come in between. */
const order = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

/** @param item one more entry of the section's vector; the section is made when it is not there */
export function appendTo(sections: readonly Section[], id: number, item: ArrayLike<number>): Section[] {
  const at = sections.findIndex((section) => section.id === id);
  const old = sections[at];
  if (old) {
    const reader = createReader(old.content);
    const count = reader.unsigned();
    return sections.with(at, { id, content: vector(count + 1, [old.content.subarray(reader.position), item]) });
  }
  const later = new Set(order.slice(order.indexOf(id) + 1));
  const before = sections.findIndex((section) => later.has(section.id));
  return sections.toSpliced(before < 0 ? sections.length : before, 0, { id, content: vector(1, [item]) });
}

/** A vector's count, and the bytes of its entries. */
export function vector(count: number, parts: readonly ArrayLike<number>[]): Uint8Array {
  return Buffer.concat([unsignedBytes(count), ...parts].map((part) => Uint8Array.from(part)));
}

/** A function body with its length before it. */
export const sized = (body: ArrayLike<number>): Uint8Array => vector(body.length, [body]);

/** An entry of an export section. */
export function exportOf(name: string, kind: number, index: ArrayLike<number>): Uint8Array {
  const bytes = Buffer.from(name);
  return vector(bytes.byteLength, [bytes, [kind], index]);
}
