/**
 * Turns waiting events of removed functions into dead letters, a few at a time: they were acknowledged, so they are
 * delivered with their input.
 *
 * Invariant: each piece uses the desired state at the time of its request, not at the start.
 */

import type { Counts } from './run/counts.ts';
import type { Runs } from './run/runs.ts';
import type { Limit } from './storage/operations.ts';
import type { OutboxClient } from './thread/client.ts';

type Sweep = {
  /** The functions that the device must hold: begins again with the oldest event. */
  keepOnly(functions: readonly string[], triggers: readonly string[]): void;
};

export type EventSweepOptions = {
  readonly client: Pick<OutboxClient, 'submit'>;
  readonly runs: Pick<Runs, 'swept' | 'lastOnes'>;
  readonly counts: Counts;
  /** Events of a trigger have become dead letters. */
  readonly onEnded: (trigger: string, events: number) => void;
  /** By the device's clock, in milliseconds since the epoch. */
  readonly now: () => number;
};

/** One piece: bounds the thread's memory, and the wait of other operations. */
const piece: Limit = { rows: 2_000, bytes: 4 * 1024 * 1024 };

export function createSweep({ client, runs, counts, onEnded, now }: EventSweepOptions): Sweep {
  let wanted: { readonly functions: readonly string[]; readonly triggers: readonly string[] } | undefined;
  let sweeping = false;

  const sweepFrom = (after: number) => {
    const asked = wanted;
    if (!asked) return;
    sweeping = true;
    const operation = { do: 'keep-only', ...asked, except: runs.lastOnes(), after, limit: piece, now: now() } as const;
    client.submit(operation, (answered) => {
      sweeping = false;
      // Undefined: the file has refused and logged it; the next desired state tries again.
      const answer = answered.done ? answered.answer : undefined;
      for (const [trigger, events] of Object.entries(answer?.ended ?? {})) {
        counts.add(trigger, 'pending', -events);
        counts.add(trigger, 'run', events);
        counts.add(trigger, 'failed', events);
        onEnded(trigger, events);
      }
      for (const [trigger, events] of Object.entries(answer?.damaged ?? {})) counts.add(trigger, 'pending', -events);
      if (wanted !== asked) return sweepFrom(0);
      if (answer?.more) return sweepFrom(answer.after);
      runs.swept();
      counts.keepOnly(new Set(asked.triggers));
    });
  };

  return {
    keepOnly(functions, triggers) {
      wanted = { functions, triggers };
      if (!sweeping) sweepFrom(0);
    },
  };
}
