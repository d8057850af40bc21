/**
 * Bundles by digest, from the database through a cache. Thousands of agents request the same bundle at once after an
 * update: they share one query.
 */

import { readCode } from '../db/catalog/code.ts';
import type { Store } from '../db/store.ts';
import { createByteCache } from './bundle-cache.ts';

export type BundleReader = {
  /**
   * Undefined when no revision has this bundle; a recently deleted one may still come from the cache.
   * @throws SkerryError store_unavailable
   */
  read(digest: string): Promise<Uint8Array | undefined>;
  /** Caches a bundle that was just made: agents request it within milliseconds of its revision. */
  remember(digest: string, bytes: Uint8Array): void;
};

const cacheBytes = 128 * 1024 * 1024;

export function createBundles(store: Store): BundleReader {
  const cache = createByteCache(cacheBytes);
  const reading = new Map<string, Promise<Uint8Array | undefined>>();

  const query = async (digest: string) => {
    const bytes = await store.read((orm) => readCode(orm, 'bundle', digest));
    if (bytes) cache.set(digest, bytes);
    return bytes;
  };

  return {
    async read(digest) {
      const cached = cache.get(digest);
      if (cached) return cached;
      let bytes = reading.get(digest);
      if (!bytes) {
        bytes = query(digest).finally(() => reading.delete(digest));
        reading.set(digest, bytes);
      }
      return bytes;
    },
    remember: cache.set,
  };
}
