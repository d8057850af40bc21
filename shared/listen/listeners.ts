/**
 * The listeners of one process. `follow` starts, replaces and stops them until they match the desired triggers, and
 * leaves unchanged triggers alone.
 *
 * Invariant: a trigger has at most one listener. The next listener begins when the one before it has stopped.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Intake } from '../events/intake.ts';
import type { Listener, ListenerState } from '../events/listener.ts';
import type { MqttParams, ReadyTrigger } from '../function/triggers.ts';
import type { ConnectMqtt } from '../mqtt/client.ts';
import { createMqttListener } from '../mqtt/listener.ts';
import { createScheduleListener } from './schedule-listener.ts';

/** A trigger, and the function that it starts. */
export type DesiredTrigger = { readonly trigger: ReadyTrigger; readonly function: string };

type Listeners = {
  /** Listens to exactly these triggers from now on. */
  follow(desired: readonly DesiredTrigger[]): void;
  /** Undefined while the trigger has no listener. */
  state(triggerId: string): ListenerState | undefined;
  /** Ids of the triggers that have a listener, or are about to get one. */
  readonly ids: Iterable<string>;
  /**
   * Stops the listener of one trigger.
   * @param forget true when the trigger will not come back: the broker must then keep nothing for it
   */
  stop(triggerId: string, forget: boolean): Promise<void>;
  /** Ends the listener of one trigger at once, because another process may take its place. */
  cut(triggerId: string): void;
  /** Stops all listeners. Brokers keep their sessions. */
  close(): Promise<void>;
};

type ListenersOptions = {
  readonly intake: Intake;
  /** Loads the MQTT client. */
  readonly load: () => Promise<ConnectMqtt>;
  /** Set where the events belong to this device, although other devices have the same trigger. See `EventScope`. */
  readonly device?: string | undefined;
  /** Prefix of the client id under which the broker knows a trigger. See `deriveClientId`. */
  readonly toClientIdPrefix: (triggerId: string) => string;
  readonly clock: Clock;
  readonly random: () => number;
};

type TriggerSlot = {
  /** Undefined for a trigger that must have no listener. */
  desired: DesiredTrigger | undefined;
  /** The listener that exists now. It may be stopping. */
  running: { readonly desired: DesiredTrigger; readonly listener: Listener } | undefined;
  /** Resolves when the last change is complete. */
  changing: Promise<void>;
};

export function createListeners(options: ListenersOptions): Listeners {
  const slots = new Map<string, TriggerSlot>();

  const start = ({ trigger, function: functionId }: DesiredTrigger, fresh: boolean): Listener => {
    const shared = { ...options, trigger: trigger.id, function: functionId };
    if (trigger.type === 'schedule') return createScheduleListener({ ...shared, params: trigger.params });
    const clientId = deriveClientId(options.toClientIdPrefix(trigger.id), trigger.params);
    return createMqttListener({ ...shared, params: trigger.params, clientId, fresh });
  };

  /** @param forget used when `next` is undefined: the trigger will not come back */
  const change = (triggerId: string, next: DesiredTrigger | undefined, forget = false): Promise<void> => {
    const slot = slots.get(triggerId) ?? { desired: undefined, running: undefined, changing: Promise.resolve() };
    slots.set(triggerId, slot);
    slot.desired = next;
    slot.changing = slot.changing.then(async () => {
      // A newer change has replaced this one.
      if (slot.desired !== next) return;
      const { running } = slot;
      const endsSession = running && next ? toSessionKey(running.desired) !== toSessionKey(next) : forget;
      await running?.listener.stop(endsSession);
      slot.running = undefined;
      if (next && slot.desired === next) slot.running = { desired: next, listener: start(next, endsSession) };
      if (!next && slots.get(triggerId) === slot && !slot.desired) slots.delete(triggerId);
    });
    return slot.changing;
  };

  const stop = (triggerId: string, forget: boolean) =>
    slots.has(triggerId) ? change(triggerId, undefined, forget) : Promise.resolve();

  return {
    follow(desired) {
      const ids = new Set(desired.map(({ trigger }) => trigger.id));
      for (const id of slots.keys()) if (!ids.has(id)) void stop(id, true);
      for (const next of desired) {
        const before = slots.get(next.trigger.id)?.desired;
        if (!before || !isSame(before, next)) void change(next.trigger.id, next);
      }
    },
    state: (triggerId) => slots.get(triggerId)?.running?.listener.state,
    get ids() {
      return slots.keys();
    },
    stop,
    cut(triggerId) {
      slots.get(triggerId)?.running?.listener.cut();
      void stop(triggerId, false);
    },
    async close() {
      await Promise.all([...slots.keys()].map((id) => stop(id, false)));
    },
  };
}

/** Compares object identity first: most triggers are the same object as before. */
function isSame(before: DesiredTrigger, next: DesiredTrigger): boolean {
  if (before.trigger === next.trigger && before.function === next.function) return true;
  return JSON.stringify(before) === JSON.stringify(next);
}

/**
 * Identifies the session that a broker keeps for the trigger. A change of this key makes the old session useless. The
 * QoS is not part of it: another SUBSCRIBE with the same filter replaces the subscription, and the session stays
 * (MQTT 5.0, section 3.8.4).
 */
function toSessionKey({ trigger }: DesiredTrigger): string {
  if (trigger.type === 'schedule') return '';
  const { host, port, topic, share, session } = trigger.params;
  return JSON.stringify([host, port, topic, share, session]);
}

/**
 * Derives the client id of one subscription. Another subscription gets another id, and so another session. A broker
 * that was away when a subscription ended may still hold it. Its messages then never reach the changed trigger.
 */
export function deriveClientId(prefix: string, { host, port, topic, share }: MqttParams): string {
  const subscription = createHash('sha256').update(JSON.stringify([host, port, topic, share]));
  return `${prefix}-${subscription.digest('hex').slice(0, 8)}`;
}
