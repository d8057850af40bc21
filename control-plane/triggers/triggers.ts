/**
 * The triggers with placement `cloud`, each of which one control plane listens to while it holds the trigger's lease.
 * They follow the catalog.
 *
 * Invariant: a listener is cut the moment that its lease is lost, even while it stops. It has disconnected, and does
 * not reconnect, before another control plane can have the lease (leases/leases.ts).
 */
import { type Clock, systemClock } from '@skerry/shared/clock.ts';
import { toSkerryError } from '@skerry/shared/errors.ts';
import type { TriggerState } from '@skerry/shared/function/triggers.ts';
import { createListeners, type DesiredTrigger } from '@skerry/shared/listen/listeners.ts';
import type { ConnectMqtt } from '@skerry/shared/mqtt/client.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { addCounted, pendingByTrigger } from '../db/events/trigger-counts.ts';
import type { Store } from '../db/store.ts';
import type { Lease } from '../leases/leases.ts';
import type { Logger } from '../log/log.ts';
import { loadMqtt } from '../outbound/mqtt.ts';
import type { CredentialStore } from '../secrets/credentials.ts';
import { type CloudIntakeOptions, createCloudIntake } from './intake.ts';

type CloudTriggers = {
  /** A wanted lease was taken. */
  held(lease: Lease): void;
  /** The state of a trigger here; undefined when another control plane listens to it, or none does. */
  state(triggerId: string): TriggerState | undefined;
  /** Of the triggers that this control plane listens to, for metrics. */
  metrics(): readonly TriggerMetrics[];
  /** Stops all listeners while the leases are still held. Idempotent. */
  close(): Promise<void>;
};

export type TriggerMetrics = {
  readonly trigger: string;
  readonly type: string;
  /** 1 when it listens, else 0. */
  readonly up: number;
  readonly pending: number;
  /** Since this control plane began to listen to the trigger in its current form. */
  readonly received: number;
  readonly dropped: number;
};

type CloudTriggersOptions = {
  readonly store: Store;
  readonly catalog: Pick<Catalog, 'functions' | 'byId' | 'onChange'>;
  readonly credentials: Pick<CredentialStore, 'ready'>;
  readonly invocations: CloudIntakeOptions['invocations'];
  /** Sets exactly these leases as wanted; see leases/leases.ts. */
  readonly wantLeases: (names: ReadonlySet<string>) => void;
  readonly log: Logger;
  readonly random: () => number;
  readonly load?: () => Promise<ConnectMqtt>;
  readonly clock?: Clock;
  /** Milliseconds between two writes of the counts. */
  readonly countMs?: number;
};

/** Prefix of the names of triggers' leases; the id follows. */
const triggerLease = 'trigger:';

type Counts = Pick<TriggerState, 'received' | 'dropped' | 'lastMessage'>;

export function createCloudTriggers(options: CloudTriggersOptions): CloudTriggers {
  const {
    store,
    catalog,
    credentials,
    wantLeases: want,
    log,
    load = loadMqtt,
    clock = systemClock,
    countMs = 2_000,
  } = options;
  /** Triggers whose lease is held here. */
  const held = new Set<string>();
  /** Why a held trigger is not listened to. */
  const faults = new Map<string, string>();
  /** Counts of earlier listeners, in addition to those of the current one. */
  const gaveWay = new Map<string, number>();
  let pending: ReadonlyMap<string, number> = new Map();
  const written = new Map<string, Counts>();
  const intake = createCloudIntake({
    store,
    catalog,
    invocations: options.invocations,
    onDropped: (trigger, events) => gaveWay.set(trigger, (gaveWay.get(trigger) ?? 0) + events),
  });
  const listeners = createListeners({
    intake,
    load,
    toClientIdPrefix: (trigger) => `skerry-${trigger}`,
    clock,
    random: options.random,
  });
  let closing: Promise<void> | undefined;

  const cloudTriggers = () =>
    [...catalog.functions()].flatMap((fn) =>
      fn.triggers.filter(({ spec }) => spec.params.placement === 'cloud').map((trigger) => ({ fn, trigger })),
    );

  const follow = () => {
    if (closing) return;
    const all = cloudTriggers();
    const wanted: DesiredTrigger[] = [];
    faults.clear();
    for (const { fn, trigger } of all) {
      if (!held.has(trigger.id)) continue;
      try {
        wanted.push({ trigger: credentials.ready(trigger), function: fn.id });
      } catch (error) {
        const { message } = toSkerryError(error);
        faults.set(trigger.id, message);
        log.warn(
          { function: `${fn.module}/${fn.name}`, trigger: trigger.id, message },
          'a trigger cannot be listened to',
        );
        void listeners.stop(trigger.id, false);
      }
    }
    listeners.follow(wanted);
    want(new Set(all.map(({ trigger }) => triggerLease + trigger.id)));
  };

  /** Received and dropped since this listener began. */
  const countsFor = (id: string): Counts | undefined => {
    const state = listeners.state(id);
    return state && { ...state, dropped: state.dropped + (gaveWay.get(id) ?? 0) };
  };

  /** Writes new counts, and reads the number of pending events. */
  const count = async () => {
    const ids = [...listeners.ids];
    if (ids.length === 0) return;
    pending = await store.read((orm) => pendingByTrigger(orm, ids));
    for (const id of ids) {
      const now = countsFor(id);
      if (!now) continue;
      const before = written.get(id);
      // A new listener counts from 0 again.
      const since = before && before.received <= now.received && before.dropped <= now.dropped ? before : none;
      const received = now.received - since.received;
      const dropped = now.dropped - since.dropped;
      if (received === 0 && dropped === 0) continue;
      const lastMessageAt = now.lastMessage === undefined ? undefined : new Date(now.lastMessage);
      await store.change((orm) => addCounted(orm, { trigger: id, received, dropped, lastMessageAt }));
      written.set(id, now);
    }
  };
  const counting = () =>
    count().catch((error: unknown) => log.debug({ err: error }, 'counts of triggers could not be written'));
  let turn = Promise.resolve();
  const timer = setInterval(() => {
    turn = turn.then(counting);
  }, countMs);

  const unsubscribe = catalog.onChange(follow);
  follow();

  const close = async () => {
    unsubscribe();
    clearInterval(timer);
    const ids = [...listeners.ids];
    await turn;
    await counting();
    await Promise.all(ids.map((id) => listeners.stop(id, false)));
  };

  const stateOf = (id: string): TriggerState | undefined => {
    const fault = faults.get(id);
    const none = { id, run: 0, failed: 0, pending: pending.get(id) ?? 0 };
    if (fault !== undefined) return { ...none, state: 'failing', received: 0, dropped: 0, error: fault };
    const state = listeners.state(id);
    return state && { ...none, ...state, dropped: state.dropped + (gaveWay.get(id) ?? 0) };
  };

  return {
    held({ name, signal }) {
      const id = name.slice(triggerLease.length);
      held.add(id);
      signal.addEventListener('abort', () => {
        held.delete(id);
        // When the trigger is gone for good, the broker must end the session. When the lease is lost, another control
        // plane goes on with the same session.
        const gone = !cloudTriggers().some(({ trigger }) => trigger.id === id);
        if (gone) void listeners.stop(id, true);
        else listeners.cut(id);
        for (const map of [written, gaveWay]) map.delete(id);
      });
      follow();
    },
    state: stateOf,
    metrics: () =>
      cloudTriggers().flatMap(({ trigger: { id, spec } }) => {
        const state = stateOf(id);
        if (!state) return [];
        const { pending, received, dropped } = state;
        const up = Number(state.state === 'up' || state.state === 'holding');
        return [{ trigger: id, type: spec.type, up, pending, received, dropped }];
      }),
    close() {
      closing ??= close();
      return closing;
    },
  };
}

const none: Counts = { received: 0, dropped: 0 };
