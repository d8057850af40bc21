/**
 * The triggers that are listened to in one place: follows what is wanted, and leaves alone what did not change.
 *
 * Invariant: of one trigger there is one listener at a time; the next one begins when the one before has stopped.
 */
import type { Clock } from './clock.ts';
import type { Intake } from './intake.ts';
import type { Listener, ListenerState } from './listener.ts';
import type { Connect } from './mqtt-client.ts';
import { createMqttListener } from './mqtt-listener.ts';
import { createScheduleListener } from './schedule-listener.ts';
import type { ReadyTrigger } from './triggers.ts';

/** A trigger, and the function that it starts. */
export type Wanted = { readonly trigger: ReadyTrigger; readonly function: string };

export type Listeners = {
  /** From now on exactly these are listened to. */
  want(wanted: readonly Wanted[]): void;
  /** By the trigger's id; absent as long as it is not listened to. */
  state(triggerId: string): ListenerState | undefined;
  /** Ids of those that are listened to. */
  readonly ids: Iterable<string>;
  /**
   * Stops one, or all.
   * @param forget it will not come back, and brokers shall keep nothing for it
   */
  stop(triggerId: string, forget: boolean): Promise<void>;
  close(): Promise<void>;
};

export type ListenersOptions = {
  readonly intake: Intake;
  readonly load: () => Promise<Connect>;
  /** The client id under which a trigger is known to its broker. */
  readonly clientIdOf: (triggerId: string) => string;
  readonly clock: Clock;
  readonly random: () => number;
};

type Place = {
  /** What shall be listened to. */
  wanted: Wanted | undefined;
  /** What is listened to; it can be on its way out. */
  running: { readonly wanted: Wanted; readonly listener: Listener } | undefined;
  /** Ends when the last change is through. */
  changing: Promise<void>;
};

export function createListeners(options: ListenersOptions): Listeners {
  const places = new Map<string, Place>();

  const start = ({ trigger, function: functionId }: Wanted, fresh: boolean): Listener => {
    const shared = { ...options, trigger: trigger.id, function: functionId };
    if (trigger.type === 'schedule') return createScheduleListener({ ...shared, params: trigger.params });
    return createMqttListener({ ...shared, params: trigger.params, clientId: options.clientIdOf(trigger.id), fresh });
  };

  /** @param forget when there is no next: it will not come back */
  const change = (triggerId: string, next: Wanted | undefined, forget = false): Promise<void> => {
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
    want(wanted) {
      const ids = new Set(wanted.map(({ trigger }) => trigger.id));
      for (const id of places.keys()) if (!ids.has(id)) void stop(id, true);
      for (const next of wanted) {
        const before = places.get(next.trigger.id)?.wanted;
        if (!before || keyOf(before) !== keyOf(next)) void change(next.trigger.id, next);
      }
    },
    state: (triggerId) => places.get(triggerId)?.running?.listener.state,
    get ids() {
      return places.keys();
    },
    stop,
    async close() {
      await Promise.all([...places.keys()].map((id) => stop(id, false)));
    },
  };
}

function keyOf(wanted: Wanted): string {
  return JSON.stringify(wanted);
}

/** What a broker keeps a session for: with another one, the session is not worth keeping. */
function subscriptionOf({ trigger }: Wanted): string {
  if (trigger.type === 'schedule') return '';
  const { host, port, topic, share, qos, session } = trigger.params;
  return JSON.stringify([host, port, topic, share, qos, session]);
}
