/**
 * A sensor that numbers its events: publishes with QoS 1 at a steady rate, regardless of the broker's state, and knows
 * which events the broker has acknowledged. Messages that were in flight when the broker died are published again.
 */
import type { MqttClient } from 'mqtt';

/** The broker's acknowledgement of an event; times by `performance.now()`. */
export type Acknowledgement = {
  /** When the sensor got it. */
  readonly at: number;
  /** When the connection on which it came began: a connection ends with the process of the broker. */
  readonly since: number;
};

type Publisher = {
  /** By the number of the event. */
  readonly acknowledged: ReadonlyMap<number, Acknowledgement>;
  /** Events handed to the client so far, from 0. */
  readonly published: number;
  /** Stops publishing; resolves when every published event is acknowledged. */
  finish(): Promise<void>;
};

/** At most this number of events is on its way to the broker. While the broker is away, the sensor waits. */
const maxInFlight = 100;

/** @param client is connected */
export function startPublisher(client: MqttClient, topic: string, perSecond: number): Publisher {
  const acknowledged = new Map<number, Acknowledgement>();
  let since = performance.now();
  client.on('connect', () => {
    since = performance.now();
  });
  let published = 0;
  let onDone: (() => void) | undefined;

  const publishNext = () => {
    if (published - acknowledged.size >= maxInFlight) return;
    const n = published;
    published += 1;
    client.publish(topic, JSON.stringify({ n }), { qos: 1 }, (error) => {
      if (error) throw new Error(`event ${n} was not published`, { cause: error });
      acknowledged.set(n, { at: performance.now(), since });
      if (acknowledged.size === published) onDone?.();
    });
  };
  const timer = setInterval(publishNext, 1_000 / perSecond);

  return {
    acknowledged,
    get published() {
      return published;
    },
    finish() {
      clearInterval(timer);
      return new Promise((resolve) => {
        onDone = resolve;
        if (acknowledged.size === published) resolve();
      });
    },
  };
}
