/** Listening to a broker without a platform around it: events go to an intake in memory. */
import { systemClock } from '@skerry/shared/clock.ts';
import type { Listener } from '@skerry/shared/events/listener.ts';
import { mqttParamsSchema } from '@skerry/shared/function/triggers.ts';
import { createMqttListener } from '@skerry/shared/mqtt/listener.ts';
import mqtt, { type MqttClient } from 'mqtt';
import { expect } from 'vitest';
import type { TestIntake } from './memory-intake.ts';

/** To the topic `a/#`, with these additional parameters. */
export function listen(
  port: number,
  intake: TestIntake,
  params: Record<string, unknown> = {},
  clientId = 'skerry-t',
  device?: string,
): Listener {
  return createMqttListener({
    trigger: 't',
    function: 'f',
    params: mqttParamsSchema.parse({ host: '127.0.0.1', port, topic: 'a/#', ...params }),
    clientId,
    device,
    fresh: false,
    load: async () => (options) => mqtt.connect(options),
    intake,
    clock: systemClock,
    random: () => 0.1,
  });
}

/** Resolves when the listener is up. */
export const isUp = (listener: Listener) => expect.poll(() => listener.state.state, { timeout: 15_000 }).toBe('up');

export const numbers = (count: number, from = 0): number[] => Array.from({ length: count }, (_, n) => n + from);

type Publishing = { readonly from?: number; readonly qos?: 0 | 1 | 2; readonly retain?: boolean };

/** Publishes numbers, one after another, to `a/b`; retained ones each to a topic of its own. */
export async function publish(
  client: MqttClient,
  count: number,
  { from = 0, qos = 1, retain = false }: Publishing = {},
) {
  // Fewer at once than mosquitto keeps in flight, since it drops further messages of QoS 2.
  for (let first = from; first < from + count; first += 10) {
    const some = numbers(Math.min(10, from + count - first), first);
    await Promise.all(some.map((n) => client.publishAsync(`a/${retain ? n : 'b'}`, String(n), { qos, retain })));
  }
}
