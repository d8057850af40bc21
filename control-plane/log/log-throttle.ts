/**
 * Throttles log lines about misbehaving peers. Each peer gets at most one line per `spaceMs`, with the number of events
 * since its last line. Events after the last line are never reported.
 */

/** Returns the count to report now; undefined when it is too early. */
type LogThrottle = (who: string, count: number) => number | undefined;

/**
 * Remembers only peers that were reported within the interval.
 * @param spaceMs milliseconds between two lines about one peer
 * @param now monotonic, in milliseconds
 */
export function createLogThrottle(spaceMs: number, now: () => number): LogThrottle {
  /** By peer, the least recently reported first. */
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
