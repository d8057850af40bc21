/**
 * A bound on what one function logs: a token bucket that holds one second's worth. Pure but for the clock it is given.
 *
 * Invariant: in any stretch of time, lines that pass have at most as many bytes, `lineBytes` counted for each beside
 * its own, as the rate gives for that time and one second more.
 */

/** What a line costs beside its bytes, so that a flood of empty lines is one as well. */
const lineBytes = 32;
/** The longest line that there is (maxLength of LogLine's text): a full bucket always has room for one. */
const longestLine = 4_096;

export type LogLimit = {
  /** True when a line of so many bytes may pass; a line that may not is counted. */
  take(bytes: number): boolean;
  /** Lines dropped since this was last asked for. */
  takeDropped(): number;
};

/**
 * @param bytesPerSecond 0: nothing passes
 * @param now monotonic, in milliseconds
 */
export function createLogLimit(bytesPerSecond: number, now: () => number): LogLimit {
  const capacity = bytesPerSecond === 0 ? 0 : Math.max(bytesPerSecond, longestLine + lineBytes);
  let tokens = capacity;
  let filled = now();
  let dropped = 0;
  return {
    take(bytes) {
      const time = now();
      tokens = Math.min(capacity, tokens + ((time - filled) / 1_000) * bytesPerSecond);
      filled = time;
      const cost = bytes + lineBytes;
      if (cost > tokens) {
        dropped += 1;
        return false;
      }
      tokens -= cost;
      return true;
    },
    takeDropped() {
      const count = dropped;
      dropped = 0;
      return count;
    },
  };
}
