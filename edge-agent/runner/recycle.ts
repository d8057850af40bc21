/**
 * Drops idle objects: compiled bundles, least recently used first, and then the runner's process itself. When memory is
 * short, all idle objects go.
 */

export type Recycler = {
  /** A bundle is used at this moment. */
  used(digest: string): void;
  /** The bundle was dropped for another reason. */
  forget(digest: string): void;
  /** Looks for idle objects. */
  sweep(): void;
};

export function createRecycler(options: {
  /** Idle time after which an object is dropped, in milliseconds. */
  idleMs: number;
  /** True when memory is short. */
  isShort: () => boolean;
  /** True while a call of this bundle runs. */
  isBusy: (digest: string) => boolean;
  unload: (digest: string) => void;
  /** Nothing is loaded and nothing was called for `idleMs`: the process can end. */
  retire: () => void;
  /** Monotonic, in milliseconds. */
  now: () => number;
}): Recycler {
  const { idleMs, isShort, isBusy, unload, retire, now } = options;
  /** Oldest first. */
  const usedAt = new Map<string, number>();
  return {
    used(digest) {
      usedAt.delete(digest);
      usedAt.set(digest, now());
    },
    forget: (digest) => void usedAt.delete(digest),
    sweep() {
      const before = isShort() ? Number.POSITIVE_INFINITY : now() - idleMs;
      for (const [digest, at] of [...usedAt]) {
        if (at > before) break;
        if (isBusy(digest)) continue;
        usedAt.delete(digest);
        unload(digest);
      }
      if (usedAt.size === 0) retire();
    },
  };
}
