/** Clients of the mqtt package for triggers and sinks alike: they dial as all here does (dial-mqtt.ts), and nowhere else. */
import type { ConnectMqtt, MqttOptions } from '@skerry/shared/mqtt/client.ts';
import { MqttClient } from 'mqtt';
import { dialBroker } from './dial-mqtt.ts';

/** Connects once; what goes wrong with the socket is an `error` of the client's. @throws as `dialBroker` */
export function connectBroker(options: MqttOptions): MqttClient {
  const socket = dialBroker({ ...options, tls: options.protocol === 'mqtts' });
  const client = new MqttClient(() => socket, options);
  // It tells of few errors of a stream by itself (lib/client.js of 5.16.0, `socketErrors`), and of none of TLS.
  socket.on('error', (error) => client.emit('error', error));
  return client;
}

/** As listeners want it. Nothing is left to load: sinks have the package in memory from the start. */
export async function loadMqtt(): Promise<ConnectMqtt> {
  return connectBroker;
}
