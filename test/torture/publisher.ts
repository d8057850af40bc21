/**
 * A sensor that numbers its events: publishes with QoS 1 at a steady rate, whatever happens to the broker, and knows
 * which ones the broker has acknowledged. What was in flight when the broker died is published again.
 */
import type { MqttClient } from 'mqtt';

/** That the broker has acknowledged an event; moments by `performance.now()`. */
export type Acknowledgement = {
  /** When the sensor heard of it. */
  readonly at: number;
  /** When the connection began on which it did: a connection ends with the process of the broker. */
  readonly since: number;
};

export type Publisher = {
  /** By the number of the event. */
  readonly acknowledged: ReadonlyMap<number, Acknowledgement>;
  /** Events handed to the client so far, from 0. */
  readonly published: number;
  /** Publishes no more; resolves when all that was published is acknowledged. */
  finish(): Promise<void>;
};

/** Events on their way to the broker at most: while it is away, the sensor waits. */
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
