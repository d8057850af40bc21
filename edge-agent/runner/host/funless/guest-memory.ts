/**
 * The memory of a guest of FunLess's ABI, as its imports see it. Every pointer and length is a hostile i32. It is read
 * as an unsigned number, and must lie within the current memory. Otherwise the guest is ended, as by an access of its
 * own.
 */
export type FunlessMemory = {
  /** A copy. */
  read(pointer: number, length: number): Uint8Array;
  /** A copy of at most this number of bytes; the length is checked in full. */
  readStart(pointer: number, length: number, most: number): Uint8Array;
  readText(pointer: number, length: number): string;
  write(pointer: number, bytes: Uint8Array): void;
  /** Little-endian, like all of them. */
  readU32(pointer: number): number;
  readU64(pointer: number): bigint;
  writeU16(pointer: number, value: number): void;
  writeU32(pointer: number, value: number): void;
  writeU64(pointer: number, value: bigint): void;
  /** Bytes from the pointer to the end of the memory. */
  roomAt(pointer: number): number;
};

const decoder = new TextDecoder();

/** @param current the memory that the instance exports; it may grow, so it is read each time */
export function createGuestMemory(current: () => WebAssembly.Memory): FunlessMemory {
  const view = (pointer: number, length: number): DataView => {
    const { buffer } = current();
    const start = pointer >>> 0;
    const bytes = length >>> 0;
    if (start + bytes > buffer.byteLength) {
      throw new WebAssembly.RuntimeError(`${bytes} bytes at ${start} are not within the guest's memory`);
    }
    return new DataView(buffer, start, bytes);
  };
  const copy = ({ buffer, byteOffset }: DataView, length: number): Uint8Array =>
    Uint8Array.from(new Uint8Array(buffer, byteOffset, length));
  const readStart = (pointer: number, length: number, most: number) => {
    const found = view(pointer, length);
    return copy(found, Math.min(found.byteLength, most));
  };
  const read = (pointer: number, length: number) => readStart(pointer, length, Infinity);
  return {
    read,
    readStart,
    readText: (pointer, length) => decoder.decode(read(pointer, length)),
    write(pointer, bytes) {
      const { buffer, byteOffset } = view(pointer, bytes.byteLength);
      new Uint8Array(buffer, byteOffset, bytes.byteLength).set(bytes);
    },
    readU32: (pointer) => view(pointer, 4).getUint32(0, true),
    readU64: (pointer) => view(pointer, 8).getBigUint64(0, true),
    writeU16: (pointer, value) => view(pointer, 2).setUint16(0, value, true),
    writeU32: (pointer, value) => view(pointer, 4).setUint32(0, value, true),
    writeU64: (pointer, value) => view(pointer, 8).setBigUint64(0, value, true),
    roomAt: (pointer) => view(pointer, 0).buffer.byteLength - (pointer >>> 0),
  };
}
