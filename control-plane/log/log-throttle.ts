/**
 * Lines of the log about others' faults, which would be as many as these like: one for each of them in a time, with how
 * much there was since the last one. What comes after the last line and before a next one is not told.
 */

/** Gives the count to tell now; undefined when it is not the time yet. */
export type LogThrottle = (who: string, count: number) => number | undefined;

/**
 * Remembers no more of them than were told of within the time.
 * @param spaceMs between two lines about the same one
 * @param now monotonic, in milliseconds
 */
export function createLogThrottle(spaceMs: number, now: () => number): LogThrottle {
  /** By whom, the one told of longest ago first. */
  const told = new Map<string, { readonly at: number; untold: number }>();
  return (who, count) => {
    const time = now();
    const last = told.get(who);
    if (last && time < last.at + spaceMs) {
      last.untold += count;
      return undefined;
    }
    told.delete(who);
    for (const [other, { at }] of told) {
      if (time < at + spaceMs) break;
      told.delete(other);
    }
    told.set(who, { at: time, untold: 0 });
    return count + (last?.untold ?? 0);
  };
}
