/** A cache of byte strings that evicts the least recently used ones when all together are over the limit. */

export type ByteCache = {
  get(key: string): Uint8Array | undefined;
  /** A value over the limit is not kept. */
  set(key: string, bytes: Uint8Array): void;
};

export function createByteCache(maxBytes: number): ByteCache {
  // A Map iterates in order of insertion, so the first key is the least recently used.
  const entries = new Map<string, Uint8Array>();
  let total = 0;
  const remove = (key: string) => {
    total -= entries.get(key)?.byteLength ?? 0;
    entries.delete(key);
  };
  return {
    get(key) {
      const bytes = entries.get(key);
      if (bytes) {
        entries.delete(key);
        entries.set(key, bytes);
      }
      return bytes;
    },
    set(key, bytes) {
      remove(key);
      if (bytes.byteLength > maxBytes) return;
      entries.set(key, bytes);
      total += bytes.byteLength;
      for (const oldest of entries.keys()) {
        if (total <= maxBytes) break;
        remove(oldest);
      }
    },
  };
}
