/** The state of triggers in all the places where they run, and their totals. */
import { setTimeout } from 'node:timers/promises';
import type { Trigger, TriggerState } from '@skerry/shared/function/triggers.ts';
import { readTriggerCounts, type TriggerCountsRow } from '../db/catalog/bindings.ts';
import type { Store } from '../db/store.ts';
import type { Binding } from '../model/catalog-function.ts';
import type { Hub } from '../tunnel/hub.ts';

/** One place where a trigger runs. */
export type TriggerLocation = {
  /** Name of the agent; absent for the control plane. */
  readonly agent?: string;
  readonly state: TriggerState;
};

type TriggerTotals = {
  readonly received: number;
  readonly run: number;
  readonly failed: number;
  readonly dropped: number;
  readonly lastMessageAt: Date | undefined;
};

export type TriggerReport = { readonly places: readonly TriggerLocation[]; readonly totals: TriggerTotals };

type TriggerStatusOptions = {
  readonly store: Store;
  readonly hub: Pick<Hub, 'triggerStates'>;
  /** State of a trigger that this control plane listens to. */
  readonly cloudState: (triggerId: string) => TriggerState | undefined;
};

export type TriggerStatus = {
  /** In the order of the triggers. Rejects with `store_unavailable`. */
  report(triggers: readonly Binding<Trigger>[]): Promise<TriggerReport[]>;
  /** Resolves with the trigger's state as soon as it listens somewhere, or when the wait is over. */
  connected(triggerId: string, waitMs: number): Promise<TriggerState | undefined>;
};

/** Milliseconds between two looks while waiting. */
const lookMs = 50;

export function createTriggerStatus({ store, hub, cloudState }: TriggerStatusOptions): TriggerStatus {
  const findPlaces = (id: string): TriggerLocation[] => {
    const cloud = cloudState(id);
    return [
      ...(cloud ? [{ state: cloud }] : []),
      ...hub.triggerStates(id).sort((a, b) => (a.agent < b.agent ? -1 : 1)),
    ];
  };
  return {
    async report(triggers) {
      const ids = triggers.map(({ id }) => id);
      const rows = await store.read((orm) => readTriggerCounts(orm, ids));
      const totals = new Map(rows.map((row) => [row.triggerId, row]));
      return triggers.map(({ id }) => {
        const own = toTotals(totals.get(id));
        const { received, run, failed, dropped } = own;
        // A trigger of the control plane has one place at a time, with the counts of the trigger.
        const places = findPlaces(id).map(({ agent, state }) =>
          agent === undefined ? { state: { ...state, received, run, failed, dropped } } : { agent, state },
        );
        return { places, totals: largest(own, places) };
      });
    },
    async connected(triggerId, waitMs) {
      const deadline = performance.now() + waitMs;
      for (;;) {
        const states = findPlaces(triggerId).map(({ state }) => state);
        const up = states.find(({ state }) => state === 'up' || state === 'holding');
        if (up || performance.now() >= deadline) return up ?? states[0];
        await setTimeout(lookMs);
      }
    },
  };
}

function toTotals(row: TriggerCountsRow | undefined): TriggerTotals {
  const { received = 0, run = 0, failed = 0, dropped = 0, lastMessageAt } = row ?? {};
  return { received, run, failed, dropped, lastMessageAt: lastMessageAt ?? undefined };
}

/** The largest time that a date can hold, in milliseconds; an agent may send any number. */
export const maxTime = 8.64e15;

/**
 * The larger of two numbers: the outcomes that were delivered, and the counts of the connected places. Agents report
 * received and dropped events only as counts, which begin again when they restart.
 */
function largest(kept: TriggerTotals, places: readonly TriggerLocation[]): TriggerTotals {
  const more = (count: 'received' | 'run' | 'failed' | 'dropped') =>
    Math.max(
      kept[count],
      places.reduce((sum, { state }) => sum + state[count], 0),
    );
  const moments = [kept.lastMessageAt?.getTime(), ...places.map(({ state }) => state.lastMessage)];
  const last = Math.min(maxTime, Math.max(...moments.map((moment) => moment ?? 0)));
  return {
    received: more('received'),
    run: more('run'),
    failed: more('failed'),
    dropped: more('dropped'),
    lastMessageAt: last > 0 ? new Date(last) : undefined,
  };
}
