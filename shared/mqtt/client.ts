/**
 * What is used of an MQTT client, and the options for it. The mqtt package fits this shape; it comes in as a parameter,
 * so that an agent without MQTT triggers never loads it.
 */
import { type BrokerAddress, effectivePort } from '../function/mqtt-broker.ts';

/** A packet that the broker sent; which of this it has depends on its kind. */
export type MqttPacket = {
  readonly cmd: string;
  readonly messageId?: number | undefined;
  readonly topic?: string;
  readonly payload?: string | Uint8Array;
  qos?: number;
  readonly dup?: boolean;
  readonly retain?: boolean;
  readonly sessionPresent?: boolean | undefined;
  /** Of CONNACK and DISCONNECT, in MQTT 5. */
  readonly reasonCode?: number | undefined;
  /** Of CONNACK, in MQTT 3.1.1. */
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
  /** MQTT 5.0, section 3.8.3.1: 0 send retained messages, 1 only when there was no such subscription, 2 do not. */
  readonly rh?: number;
};

/** What comes of a subscription; the codes of the SUBACK, when there was one. */
export type Subscribed = (
  error: Error | null,
  granted?: unknown,
  suback?: { readonly granted?: readonly unknown[] },
) => void;

export type MqttClient = {
  readonly stream: MqttStream;
  /** Called for each message, with the way to go on with the next one. */
  handleMessage(packet: MqttPacket, done: (error?: Error) => void): void;
  on(event: 'packetreceive', listener: (packet: MqttPacket) => void): unknown;
  on(event: 'disconnect', listener: (packet: Pick<MqttPacket, 'reasonCode'>) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'connect' | 'close', listener: () => void): unknown;
  subscribe(filter: string, options: SubscribeOptions, done: Subscribed): unknown;
  end(force: boolean): unknown;
};

/** Everything that the mqtt package's `connect` is given. */
export type MqttOptions = ReturnType<typeof toMqttOptions>;

/** Makes a client that connects once. @throws when a certificate or a key cannot be read */
export type ConnectMqtt = (options: MqttOptions) => MqttClient;

/** Seconds between signs of life; a broker that does not answer in half as long again is gone. */
const keepaliveSeconds = 30;
/** Milliseconds from dialing to the broker's welcome. */
export const connectTimeoutMs = 10_000;
/** Seconds that a broker of MQTT 5 keeps the session of one that is away: 30 days. With 3.1.1 it decides by itself. */
const sessionSeconds = 30 * 24 * 3_600;

export type Session = {
  readonly clientId: string;
  /** Begin without what the broker kept, and let nothing be kept. */
  readonly clean: boolean;
  /** Unacknowledged messages that a broker of MQTT 5 may send. */
  readonly receiveMaximum: number;
  /** Bytes of a packet that a broker of MQTT 5 may send. */
  readonly maximumPacketSize: number;
};

export function toMqttOptions(broker: BrokerAddress, { clientId, clean, receiveMaximum, maximumPacketSize }: Session) {
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
    // Connecting again is ours: with back-off, and with a look at what is still held.
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
