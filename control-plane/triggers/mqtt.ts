/** The MQTT client, loaded when the first trigger asks for it. It dials as sinks do, and nowhere else. */
import type { Connect } from '@skerry/shared/mqtt-client.ts';
import { dialBroker } from '../broker-dial.ts';

export async function loadMqtt(): Promise<Connect> {
  const { MqttClient } = await import('mqtt');
  return (options) => {
    const socket = dialBroker({ ...options, tls: options.protocol === 'mqtts' });
    const client = new MqttClient(() => socket, options);
    // It tells of few errors of a stream by itself (lib/client.js of 5.16.0, `socketErrors`), and of none of TLS.
    socket.on('error', (error) => client.emit('error', error));
    return client;
  };
}
