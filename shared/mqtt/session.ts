/** The steps of a session that have an end: subscribing, saying goodbye, having the broker forget it. */
import { type Clock, settledWithin } from '../clock.ts';
import { type ConnectMqtt, connectTimeoutMs, type MqttOptions, type SubscribeOptions } from './client.ts';
import { type Connection, openConnection } from './connection.ts';

/** Milliseconds for saying goodbye. */
const goodbyeMs = 1_000;

/** Rejects with the reason when the broker refuses, or does not answer in time. */
export async function subscribeTo(
  connection: Connection,
  filter: string,
  options: SubscribeOptions,
  clock: Clock,
): Promise<void> {
  const answered = connection.subscribe(filter, options);
  if (!(await settledWithin(clock, connectTimeoutMs, answered))) connection.cut('the broker does not answer');
  return answered;
}

/** Resolves when the connection is over, politely or not. */
export async function leave(connection: Connection, clock: Clock): Promise<void> {
  connection.close();
  if (!(await settledWithin(clock, goodbyeMs, connection.over))) connection.cut('stopped');
}

/**
 * Ends the session that the broker keeps under the client id: a clean one in its place does (MQTT 3.1.1, section
 * 3.1.2.4). Rejects with the reason when the broker cannot be reached.
 *
 * @param options those of a clean session
 * @param signal cuts it off
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
    await leave(connection, clock);
    signal.removeEventListener('abort', cut);
  }
}
