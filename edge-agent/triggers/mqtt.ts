/** The MQTT client, loaded with the first MQTT trigger: a device without one does not pay for it. */
import type { ConnectMqtt } from '@skerry/shared/mqtt/client.ts';

export async function loadMqtt(): Promise<ConnectMqtt> {
  const { default: mqtt } = await import('mqtt');
  return (options) => mqtt.connect(options);
}
