/**
 * A guest's memory, read and written by the canonical ABI. Every number from the guest is hostile: an address outside
 * of its memory, or one that is not aligned, ends the guest.
 */

const encoder = new TextEncoder();
/** Invalid UTF-8 ends the guest (CanonicalABI.md, `load_string`). */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Pointer of an empty string or list. It is never read. */
const nowhere = 1;

export class GuestMemory {
  readonly #memory: WebAssembly.Memory;
  readonly #realloc: ((old: number, oldSize: number, alignment: number, size: number) => number) | undefined;
  #view: DataView<ArrayBuffer>;
  /** Bytes that the values of this call may still take. */
  #left: number;

  /** @param realloc allocates in the guest; absent when no value needs memory */
  constructor(
    memory: WebAssembly.Memory,
    realloc: ((old: number, oldSize: number, alignment: number, size: number) => number) | undefined,
  ) {
    this.#memory = memory;
    this.#realloc = realloc;
    this.#view = new DataView(memory.buffer);
    this.#left = memory.buffer.byteLength;
  }

  /** Must be read again after every call into the guest: its memory may have grown. */
  get view(): DataView<ArrayBuffer> {
    if (this.#view.buffer !== this.#memory.buffer) this.#view = new DataView(this.#memory.buffer);
    return this.#view;
  }

  /**
   * Begins the values of one call. Together they may take as many bytes as the memory has: the pointers in a list may
   * all lead to the same bytes, and no other limit holds for the resulting host values.
   */
  beginValues(): void {
    this.#left = this.#memory.buffer.byteLength;
  }

  /** Takes these bytes from the budget of the call's values. @throws Error when the budget is used up */
  take(size: number): void {
    this.#left -= size;
    if (this.#left < 0) throw new Error('values of one call that are larger than the memory they are in');
  }

  /** @throws Error when the region is not within the memory */
  check(at: number, size: number, alignment: number): void {
    if (at % alignment !== 0) throw new Error(`${at} is not aligned to ${alignment}`);
    const { byteLength } = this.#memory.buffer;
    if (at + size > byteLength) throw new Error(`${size} bytes at ${at}, beyond the memory of ${byteLength} bytes`);
  }

  /** A view; valid until the guest runs again. */
  bytes(at: number, length: number): Uint8Array<ArrayBuffer> {
    this.check(at, length, 1);
    return new Uint8Array(this.#memory.buffer, at, length);
  }

  /** @throws Error when the guest allocates nothing, or a region outside of its memory */
  allocate(size: number, alignment: number): number {
    if (size === 0) return nowhere;
    if (!this.#realloc) throw new Error('the guest has no allocator');
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

  /** @returns the address, and the length in bytes */
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
