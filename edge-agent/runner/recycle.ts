/**
 * What was not used for a while goes: compiled bundles, least recently used first, and then the runner's process
 * itself. When memory is short, everything goes that is not in use right now.
 */

export type Recycler = {
  /** A bundle is used at this moment. */
  used(digest: string): void;
  /** It is gone for another reason. */
  forget(digest: string): void;
  /** Looks what can go. */
  sweep(): void;
};

export function createRecycler(options: {
  /** Age at which something goes that is not used, in milliseconds. */
  idleMs: number;
  /** True when memory is short. */
  isShort: () => boolean;
  /** True when a call of this bundle is under way. */
  isBusy: (digest: string) => boolean;
  unload: (digest: string) => void;
  /** Nothing is loaded and nothing was called for `idleMs`: the process can go. */
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
