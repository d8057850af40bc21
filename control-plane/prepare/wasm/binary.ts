/**
 * Reading and writing the WebAssembly binary format, as far as preparing an upload needs it: LEB128 numbers, names,
 * and the sections that both core modules and components consist of (WebAssembly core specification, section 5).
 */

/** A place in bytes that moves on with what is read. Reading beyond the end throws `Truncated`. */
export type Reader = {
  readonly position: number;
  readonly done: boolean;
  byte(): number;
  /** The next byte, left where it is. */
  peek(): number;
  /** A reader of the same bytes at another place. */
  at(position: number): Reader;
  /** Unsigned LEB128; exact up to 2^53, which is more than any size we accept. */
  unsigned(): number;
  /** Bytes with their length before them. */
  bytes(): Uint8Array;
  /** A UTF-8 name with its length before it. */
  name(): string;
};

/** The bytes end in the middle of something. */
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
  };
  return reader;
}

/** Unsigned LEB128 of a non-negative safe integer. */
export function unsignedBytes(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low + 128 : low);
  } while (rest > 0);
  return bytes;
}

/** Bytes of the preamble: magic, version, layer. */
export const preambleBytes = 8;

export type Section = { readonly id: number; readonly content: Uint8Array };

/** Sections after the preamble, in order. @throws Truncated */
export function readSections(bytes: Uint8Array): Section[] {
  const reader = createReader(bytes, preambleBytes);
  const sections: Section[] = [];
  while (!reader.done) sections.push({ id: reader.byte(), content: reader.bytes() });
  return sections;
}

/** The file that has this preamble and these sections. */
export function writeSections(preamble: Uint8Array, sections: readonly Section[]): Uint8Array {
  const parts: Uint8Array[] = [preamble];
  for (const { id, content } of sections) {
    parts.push(Uint8Array.from([id, ...unsignedBytes(content.byteLength)]), content);
  }
  return Uint8Array.from(Buffer.concat(parts));
}
