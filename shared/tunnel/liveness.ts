/**
 * Signs of life on a tunnel: a ping each interval, and any frame counts as an answer. After `missesAllowed`
 * intervals without a frame the peer is dead. Pure bookkeeping; whoever calls `tick` owns the timer.
 */

/** Intervals without any frame after which a peer counts as dead. */
export const missesAllowed = 3;

export type Liveness = {
  /** Something arrived. */
  heard(): void;
  /** One interval has passed: the number for the next ping, or `dead`. */
  tick(): number | 'dead';
};

export function createLiveness(): Liveness {
  let misses = 0;
  let sent = 0;
  return {
    heard() {
      misses = 0;
    },
    tick() {
      if (misses >= missesAllowed) return 'dead';
      misses += 1;
      sent += 1;
      return sent;
    },
  };
}
