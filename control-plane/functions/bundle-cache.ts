/** A cache of byte strings that evicts the least recently used ones when all together are over the limit. */
import { LRUCache } from 'lru-cache';

export type ByteCache = {
  get(key: string): Uint8Array | undefined;
  /** A value over the limit is not kept, and neither is the value that it replaces. */
  set(key: string, bytes: Uint8Array): void;
};

export function createByteCache(maxBytes: number): ByteCache {
  return new LRUCache<string, Uint8Array>({ maxSize: maxBytes, sizeCalculation: countBytes });
}

/** Sizes of the library are positive. */
function countBytes(bytes: Uint8Array): number {
  return Math.max(1, bytes.byteLength);
}
