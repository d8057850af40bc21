/**
 * Decides whether the peer of a tunnel is alive. A side sends a ping each interval, and any frame counts as an answer.
 * After `missesAllowed` intervals without a frame the peer is dead. Pure: the caller of `tick` owns the timer.
 */

/** Number of intervals without a frame after which a peer counts as dead. */
export const missesAllowed = 3;

type Liveness = {
  /** Call for each frame that arrives. */
  heard(): void;
  /** Call after each interval. @returns the number for the next ping, or `dead` */
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
