/**
 * The triggers that are listened to in one place: follows what is wanted, and leaves alone what did not change.
 *
 * Invariant: of one trigger there is one listener at a time; the next one begins when the one before has stopped.
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

export type Listeners = {
  /** From now on exactly these are listened to. */
  follow(wanted: readonly DesiredTrigger[]): void;
  /** By the trigger's id; absent as long as it is not listened to. */
  state(triggerId: string): ListenerState | undefined;
  /** Ids of those that are listened to. */
  readonly ids: Iterable<string>;
  /**
   * Stops one, or all.
   * @param forget it will not come back, and brokers shall keep nothing for it
   */
  stop(triggerId: string, forget: boolean): Promise<void>;
  /** Ends one at once: another one may listen in its place from now on. */
  cut(triggerId: string): void;
  close(): Promise<void>;
};

export type ListenersOptions = {
  readonly intake: Intake;
  readonly load: () => Promise<ConnectMqtt>;
  /** Of events that are this device's own, where several listen to the same trigger; see EventScope. */
  readonly device?: string | undefined;
  /** Beginning of the client id under which a trigger is known to its broker; see `deriveClientId`. */
  readonly toClientIdPrefix: (triggerId: string) => string;
  readonly clock: Clock;
  readonly random: () => number;
};

type Place = {
  /** What shall be listened to. */
  wanted: DesiredTrigger | undefined;
  /** What is listened to; it can be on its way out. */
  running: { readonly wanted: DesiredTrigger; readonly listener: Listener } | undefined;
  /** Ends when the last change is through. */
  changing: Promise<void>;
};

export function createListeners(options: ListenersOptions): Listeners {
  const places = new Map<string, Place>();

  const start = ({ trigger, function: functionId }: DesiredTrigger, fresh: boolean): Listener => {
    const shared = { ...options, trigger: trigger.id, function: functionId };
    if (trigger.type === 'schedule') return createScheduleListener({ ...shared, params: trigger.params });
    const clientId = deriveClientId(options.toClientIdPrefix(trigger.id), trigger.params);
    return createMqttListener({ ...shared, params: trigger.params, clientId, fresh });
  };

  /** @param forget when there is no next: it will not come back */
  const change = (triggerId: string, next: DesiredTrigger | undefined, forget = false): Promise<void> => {
    const place = places.get(triggerId) ?? { wanted: undefined, running: undefined, changing: Promise.resolve() };
    places.set(triggerId, place);
    place.wanted = next;
    place.changing = place.changing.then(async () => {
      // A newer wish makes this one needless.
      if (place.wanted !== next) return;
      const { running } = place;
      const other = running && next ? subscriptionOf(running.wanted) !== subscriptionOf(next) : forget;
      await running?.listener.stop(other);
      place.running = undefined;
      if (next && place.wanted === next) place.running = { wanted: next, listener: start(next, other) };
      if (!next && places.get(triggerId) === place && !place.wanted) places.delete(triggerId);
    });
    return place.changing;
  };

  const stop = (triggerId: string, forget: boolean) =>
    places.has(triggerId) ? change(triggerId, undefined, forget) : Promise.resolve();

  return {
    follow(wanted) {
      const ids = new Set(wanted.map(({ trigger }) => trigger.id));
      for (const id of places.keys()) if (!ids.has(id)) void stop(id, true);
      for (const next of wanted) {
        const before = places.get(next.trigger.id)?.wanted;
        if (!before || !isSame(before, next)) void change(next.trigger.id, next);
      }
    },
    state: (triggerId) => places.get(triggerId)?.running?.listener.state,
    get ids() {
      return places.keys();
    },
    stop,
    cut(triggerId) {
      places.get(triggerId)?.running?.listener.cut();
      void stop(triggerId, false);
    },
    async close() {
      await Promise.all([...places.keys()].map((id) => stop(id, false)));
    },
  };
}

/** Most often it is the same object: then nothing has to be compared. */
function isSame(before: DesiredTrigger, next: DesiredTrigger): boolean {
  if (before.trigger === next.trigger && before.function === next.function) return true;
  return JSON.stringify(before) === JSON.stringify(next);
}

/**
 * What a broker keeps a session for: with another one, the session is not worth keeping. The QoS is not of it: another
 * SUBSCRIBE with the same filter replaces the subscription, and the session stays (MQTT 5.0, section 3.8.4).
 */
function subscriptionOf({ trigger }: DesiredTrigger): string {
  if (trigger.type === 'schedule') return '';
  const { host, port, topic, share, session } = trigger.params;
  return JSON.stringify([host, port, topic, share, session]);
}

/**
 * The client id for one subscription. Another one is another session: so that an old subscription that the broker could
 * not be told about, because it was away or we were, never gives its messages to the trigger.
 */
export function deriveClientId(base: string, { host, port, topic, share }: MqttParams): string {
  const subscription = createHash('sha256').update(JSON.stringify([host, port, topic, share]));
  return `${base}-${subscription.digest('hex').slice(0, 8)}`;
}
