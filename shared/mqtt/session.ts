/** Steps of a session that must end in bounded time: subscribe, disconnect, make the broker forget the session. */
import { type Clock, settledWithin } from '../clock.ts';
import { type ConnectMqtt, connectTimeoutMs, type MqttOptions, type SubscribeOptions } from './client.ts';
import { type MqttConnection, openConnection } from './connection.ts';

/** Longest time for a polite disconnect, in milliseconds. */
const disconnectMs = 1_000;

/** Rejects with the reason when the broker refuses, or does not answer in time. */
export async function subscribeTo(
  connection: MqttConnection,
  filter: string,
  options: SubscribeOptions,
  clock: Clock,
): Promise<void> {
  const answered = connection.subscribe(filter, options);
  if (!(await settledWithin(clock, connectTimeoutMs, answered))) connection.cut('the broker does not answer');
  return answered;
}

/** Disconnects politely, and cuts the connection when that takes too long. Resolves when the connection is over. */
export async function disconnect(connection: MqttConnection, clock: Clock): Promise<void> {
  connection.close();
  if (!(await settledWithin(clock, disconnectMs, connection.over))) connection.cut('stopped');
}

/**
 * Ends the session that the broker keeps under the client id, by a connection with a clean session (MQTT 3.1.1, section
 * 3.1.2.4). Rejects with the reason when the broker cannot be reached.
 *
 * @param options with `clean` true
 * @param signal cuts the connection
 */
export async function forgetSession(
  connect: ConnectMqtt,
  options: MqttOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const connection = openConnection(connect, options, {
    onWelcome: () => undefined,
    onMessage: () => undefined,
    onReleased: () => undefined,
  });
  const cut = () => connection.cut('stopped');
  signal.addEventListener('abort', cut);
  try {
    await connection.ready;
  } finally {
    await disconnect(connection, clock);
    signal.removeEventListener('abort', cut);
  }
}
