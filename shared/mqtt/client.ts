/**
 * The part of an MQTT client that Skerry uses, and the options for it. The mqtt package has this shape. It is a
 * parameter, so that an agent without MQTT triggers never loads it.
 */
import { type BrokerAddress, effectivePort } from '../function/mqtt-broker.ts';

/** A packet from the broker. Which fields are present depends on `cmd`. */
export type MqttPacket = {
  readonly cmd: string;
  readonly messageId?: number | undefined;
  readonly topic?: string;
  readonly payload?: string | Uint8Array;
  qos?: number;
  readonly dup?: boolean;
  readonly retain?: boolean;
  readonly sessionPresent?: boolean | undefined;
  /** In CONNACK and DISCONNECT of MQTT 5. */
  readonly reasonCode?: number | undefined;
  /** In CONNACK of MQTT 3.1.1. */
  readonly returnCode?: number | undefined;
};

export type MqttStream = {
  write(bytes: Uint8Array): unknown;
  destroy(): unknown;
  setNoDelay?(on: boolean): unknown;
  on(event: 'data', listener: (bytes: Uint8Array) => void): unknown;
};

export type SubscribeOptions = {
  readonly qos: 0 | 1 | 2;
  /**
   * Retain handling (MQTT 5.0, section 3.8.3.1). 0: send retained messages. 1: send them only for a new subscription.
   * 2: do not send them.
   */
  readonly rh?: number;
};

/** Receives the result of a subscription, with the codes of the SUBACK if one came. */
type OnSubscribed = (
  error: Error | null,
  granted?: unknown,
  suback?: { readonly granted?: readonly unknown[] },
) => void;

type MqttClient = {
  readonly stream: MqttStream;
  /** The client calls it for each message. It reads the next message after `done`. */
  handleMessage(packet: MqttPacket, done: (error?: Error) => void): void;
  on(event: 'packetreceive', listener: (packet: MqttPacket) => void): unknown;
  on(event: 'disconnect', listener: (packet: Pick<MqttPacket, 'reasonCode'>) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'connect' | 'close', listener: () => void): unknown;
  subscribe(filter: string, options: SubscribeOptions, done: OnSubscribed): unknown;
  end(force: boolean): unknown;
};

/** Options for `connect` of the mqtt package. */
export type MqttOptions = ReturnType<typeof toMqttOptions>;

/** Creates a client that connects once. @throws when a certificate or a key cannot be read */
export type ConnectMqtt = (options: MqttOptions) => MqttClient;

/** Seconds between pings. A broker that is silent for one and a half times as long counts as dead. */
const keepaliveSeconds = 30;
/** Longest time from dialing to CONNACK, in milliseconds. */
export const connectTimeoutMs = 10_000;
/**
 * How long a broker of MQTT 5 keeps the session of a disconnected client: 30 days. A broker of 3.1.1 decides itself.
 */
const sessionSeconds = 30 * 24 * 3_600;

type MqttSessionOptions = {
  readonly clientId: string;
  /** True: discard the session that the broker has, and keep none after the connection. */
  readonly clean: boolean;
  /** Maximum of unacknowledged messages that a broker of MQTT 5 may send. */
  readonly receiveMaximum: number;
  /** Maximum size of a packet from a broker of MQTT 5, in bytes. */
  readonly maximumPacketSize: number;
};

export function toMqttOptions(broker: BrokerAddress, session: MqttSessionOptions) {
  const { clientId, clean, receiveMaximum, maximumPacketSize } = session;
  const { host, version, username, password, tls } = broker;
  const { ca, cert, key, servername } = typeof tls === 'object' ? tls : {};
  return {
    host,
    port: effectivePort(broker),
    protocol: tls ? ('mqtts' as const) : ('mqtt' as const),
    protocolVersion: version === '5' ? (5 as const) : (4 as const),
    clientId,
    clean,
    keepalive: keepaliveSeconds,
    connectTimeout: connectTimeoutMs,
    // The listener reconnects itself, with back-off, and only when it has room for messages.
    reconnectPeriod: 0,
    resubscribe: false,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(servername !== undefined && { servername }),
    ...(version === '5' && {
      properties: { sessionExpiryInterval: clean ? 0 : sessionSeconds, receiveMaximum, maximumPacketSize },
    }),
  };
}
