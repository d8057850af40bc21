/**
 * Counts of events per trigger on this device. Counted since the agent began, except for waiting events.
 *
 * Invariant: no count is negative, even when the file has lost rows.
 */
export type TriggerCounts = {
  /** Events that ended, failed ones included. */
  readonly run: number;
  /** The dead letters among the ended events. */
  readonly failed: number;
  readonly dropped: number;
  /** Events without an outcome, running ones included. */
  readonly pending: number;
};

export type Counts = {
  of(trigger: string): TriggerCounts;
  add(trigger: string, what: keyof TriggerCounts, by?: number): void;
  /** The rows on disk when the file is opened: replaces the earlier pending counts. */
  setPending(pending: ReadonlyMap<string, number>): void;
  /** Removed triggers without waiting events are forgotten. */
  keepOnly(triggers: ReadonlySet<string>): void;
  /** Of all triggers, removed ones included. */
  readonly totals: TriggerCounts;
};

const none: TriggerCounts = { run: 0, failed: 0, dropped: 0, pending: 0 };

export function createCounts(): Counts {
  const byTrigger = new Map<string, { -readonly [Key in keyof TriggerCounts]: number }>();
  const totals = { ...none };
  const entry = (trigger: string) => {
    let found = byTrigger.get(trigger);
    if (!found) {
      found = { ...none };
      byTrigger.set(trigger, found);
    }
    return found;
  };
  const add = (trigger: string, what: keyof TriggerCounts, by = 1) => {
    const counts = entry(trigger);
    const before = counts[what];
    counts[what] = Math.max(0, before + by);
    totals[what] += counts[what] - before;
  };
  return {
    of: (trigger) => byTrigger.get(trigger) ?? none,
    add,
    setPending(pending) {
      for (const counts of byTrigger.values()) counts.pending = 0;
      totals.pending = 0;
      for (const [trigger, events] of pending) add(trigger, 'pending', events);
    },
    keepOnly(triggers) {
      for (const [trigger, { pending }] of byTrigger) {
        if (!triggers.has(trigger) && pending === 0) byTrigger.delete(trigger);
      }
    },
    totals,
  };
}
