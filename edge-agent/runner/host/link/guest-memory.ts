/**
 * A guest's memory as the canonical ABI reads and writes it. Every number that the guest gives is hostile: what does
 * not lie within its memory, or is not aligned, ends the guest.
 */

const encoder = new TextEncoder();
/** Text that is not UTF-8 ends the guest (CanonicalABI.md, `load_string`). */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Where an empty string or list points; nobody looks there. */
const nowhere = 1;

export class GuestMemory {
  readonly #memory: WebAssembly.Memory;
  readonly #realloc: ((old: number, oldSize: number, alignment: number, size: number) => number) | undefined;
  #view: DataView<ArrayBuffer>;
  /** Bytes that values may still take out. */
  #left: number;

  /** @param realloc makes room; absent when nothing needs any */
  constructor(
    memory: WebAssembly.Memory,
    realloc: ((old: number, oldSize: number, alignment: number, size: number) => number) | undefined,
  ) {
    this.#memory = memory;
    this.#realloc = realloc;
    this.#view = new DataView(memory.buffer);
    this.#left = memory.buffer.byteLength;
  }

  /** To be taken anew after every call into the guest: its memory may have grown. */
  get view(): DataView<ArrayBuffer> {
    if (this.#view.buffer !== this.#memory.buffer) this.#view = new DataView(this.#memory.buffer);
    return this.#view;
  }

  /**
   * The values of one call follow. They take as many bytes out as the memory has, at most: pointers in a list may all
   * lead to the same bytes, and what they make on the host's side is nowhere else limited.
   */
  beginValues(): void {
    this.#left = this.#memory.buffer.byteLength;
  }

  /** A value takes so many bytes out. @throws Error when the values of this call have had them all */
  take(size: number): void {
    this.#left -= size;
    if (this.#left < 0) throw new Error('values of one call that are larger than the memory they are in');
  }

  /** @throws Error when these bytes are not all there */
  check(at: number, size: number, alignment: number): void {
    if (at % alignment !== 0) throw new Error(`${at} is not aligned to ${alignment}`);
    const { byteLength } = this.#memory.buffer;
    if (at + size > byteLength) throw new Error(`${size} bytes at ${at}, beyond the memory of ${byteLength} bytes`);
  }

  /** A view, good until the guest runs again. */
  bytes(at: number, length: number): Uint8Array<ArrayBuffer> {
    this.check(at, length, 1);
    return new Uint8Array(this.#memory.buffer, at, length);
  }

  /** @throws Error when the guest makes no room, or gives room that is not there */
  allocate(size: number, alignment: number): number {
    if (size === 0) return nowhere;
    if (!this.#realloc) throw new Error('nobody to make room');
    const at = this.#realloc(0, 0, alignment, size) >>> 0;
    this.check(at, size, alignment);
    return at;
  }

  text(at: number, length: number): string {
    if (length === 0) return '';
    const bytes = this.bytes(at, length);
    this.take(length);
    return decoder.decode(bytes);
  }

  /** @returns where it is, and its length in bytes */
  putText(text: string): [at: number, length: number] {
    if (text === '') return [nowhere, 0];
    const bytes = encoder.encode(text);
    return [this.putBytes(bytes), bytes.byteLength];
  }

  putBytes(bytes: Uint8Array): number {
    const at = this.allocate(bytes.byteLength, 1);
    if (bytes.byteLength > 0) this.bytes(at, bytes.byteLength).set(bytes);
    return at;
  }
}
