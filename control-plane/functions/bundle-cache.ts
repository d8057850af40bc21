/** A cache of byte strings that evicts the least recently used ones when all together are over the limit. */
import { LRUCache } from 'lru-cache';

export type ByteCache = {
  get(key: string): Uint8Array | undefined;
  /** A value over the limit is not kept, and neither is the value that it replaces. */
  set(key: string, bytes: Uint8Array): void;
};

export function createByteCache(maxBytes: number): ByteCache {
  const cache = new LRUCache<string, Uint8Array>({ maxSize: maxBytes, sizeCalculation: countBytes });
  return { get: (key) => cache.get(key), set: (key, bytes) => void cache.set(key, bytes) };
}

/** Sizes of the library are positive. */
function countBytes(bytes: Uint8Array): number {
  return Math.max(1, bytes.byteLength);
}
