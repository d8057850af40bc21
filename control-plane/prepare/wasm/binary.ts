/**
 * Reads and writes the parts of the WebAssembly binary format that core modules and components share: LEB128 numbers,
 * names, vectors and sections (WebAssembly core specification, section 5).
 */

/** Reads bytes from a position, which each read advances. A read beyond the end throws `Truncated`. */
export type Reader = {
  readonly position: number;
  readonly done: boolean;
  byte(): number;
  /** Returns the next byte without advancing. */
  peek(): number;
  /** Creates a reader of the same bytes at another position. */
  at(position: number): Reader;
  /** Reads an unsigned LEB128 number. Exact up to 2^53, which exceeds every accepted size. */
  unsigned(): number;
  /** Reads bytes with their length before them. */
  bytes(): Uint8Array;
  /** Reads a UTF-8 name with its length before it. */
  name(): string;
  /** Reads a count, then calls `read` for each entry with its index. */
  vector<T>(read: (index: number) => T): T[];
};

/** Thrown when the bytes end in the middle of a value. */
export class Truncated extends Error {
  constructor() {
    super('the file ends too early');
    this.name = 'Truncated';
  }
}

export function createReader(bytes: Uint8Array, start = 0): Reader {
  let position = start;
  const reader: Reader = {
    get position() {
      return position;
    },
    get done() {
      return position >= bytes.byteLength;
    },
    byte() {
      const value = bytes[position];
      if (value === undefined) throw new Truncated();
      position += 1;
      return value;
    },
    peek() {
      const value = bytes[position];
      if (value === undefined) throw new Truncated();
      return value;
    },
    at: (other) => createReader(bytes, other),
    unsigned() {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = reader.byte();
        value += (byte & 0x7f) * scale;
        if (byte < 0x80) return value;
        if (scale > Number.MAX_SAFE_INTEGER) throw new Truncated();
      }
    },
    bytes() {
      const length = reader.unsigned();
      if (position + length > bytes.byteLength) throw new Truncated();
      position += length;
      return bytes.subarray(position - length, position);
    },
    name() {
      return Buffer.from(reader.bytes()).toString();
    },
    vector(read) {
      const entries = [];
      const count = reader.unsigned();
      for (let index = 0; index < count; index++) entries.push(read(index));
      return entries;
    },
  };
  return reader;
}

/** Encodes a non-negative safe integer as unsigned LEB128. */
export function encodeUnsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low + 128 : low);
  } while (rest > 0);
  return bytes;
}

/** Length of the preamble: magic, version and layer. */
export const preambleBytes = 8;

export type Section = { readonly id: number; readonly content: Uint8Array };

/** Reads the sections after the preamble, in order. @throws Truncated */
export function readSections(bytes: Uint8Array): Section[] {
  const reader = createReader(bytes, preambleBytes);
  const sections: Section[] = [];
  while (!reader.done) sections.push({ id: reader.byte(), content: reader.bytes() });
  return sections;
}

/** Encodes a file with this preamble and these sections. */
export function writeSections(preamble: Uint8Array, sections: readonly Section[]): Uint8Array {
  const parts: Uint8Array[] = [preamble];
  for (const { id, content } of sections) {
    parts.push(Uint8Array.from([id, ...encodeUnsigned(content.byteLength)]), content);
  }
  return Uint8Array.from(Buffer.concat(parts));
}
