/** Clients of the mqtt package for triggers and sinks, which connect only through dial-mqtt.ts. */
import type { ConnectMqtt, MqttOptions } from '@skerry/shared/mqtt/client.ts';
import { MqttClient } from 'mqtt';
import { dialBroker } from './dial-mqtt.ts';

/** Connects once; a failing socket is an `error` of the client. @throws as `dialBroker` */
export function connectBroker(options: MqttOptions): MqttClient {
  const socket = dialBroker({ ...options, tls: options.protocol === 'mqtts' });
  const client = new MqttClient(() => socket, options);
  // The package reports few errors of a stream by itself (lib/client.js of 5.16.0, `socketErrors`), and none of TLS.
  socket.on('error', (error) => client.emit('error', error));
  return client;
}

/** For listeners. Nothing needs to be loaded: sinks have the package in memory from the start. */
export async function loadMqtt(): Promise<ConnectMqtt> {
  return connectBroker;
}
