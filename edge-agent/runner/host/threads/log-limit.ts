/**
 * A limit on the log of one function: a token bucket that holds one second's worth. Pure apart from its clock.
 *
 * Invariant: in any period, the bytes of passed lines, with `lineBytes` added for each line, are at most the rate times
 * that period and one second more.
 */

/** Cost of a line beside its bytes, so that a flood of empty lines is limited as well. */
const lineBytes = 32;
/** The longest possible line (maxLength of LogLine's text): a full bucket always has room for it. */
const longestLine = 4_096;

export type LogLimit = {
  /** True when a line of `bytes` bytes may pass. Other lines are counted. */
  take(bytes: number): boolean;
  /** Lines dropped since the last call. */
  takeDropped(): number;
};

/**
 * @param bytesPerSecond 0: no line passes
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
