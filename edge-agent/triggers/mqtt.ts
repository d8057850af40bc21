/** The MQTT client, loaded when the first trigger asks for it: a device without any does not pay for it. */
import type { ConnectMqtt } from '@skerry/shared/mqtt/client.ts';

export async function loadMqtt(): Promise<ConnectMqtt> {
  const { default: mqtt } = await import('mqtt');
  return (options) => mqtt.connect(options);
}
