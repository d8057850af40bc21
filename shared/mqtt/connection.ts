/**
 * One connection to a broker, from dialing to its end.
 *
 * The mqtt package delivers one message at a time, and acknowledges it when its handler has finished. Events could then
 * be written to disk only one by one, and a handler that waits for room would stop the client from reading pings. So
 * this file takes the acknowledgement away from the package:
 * - It ends `handleMessage` with an error, after which the package goes on without an acknowledgement
 *   (handlers/publish.js of 5.16.0).
 * - It presents a message of QoS 2 as one of QoS 1, so that the package takes the same path.
 * - The package still answers PUBREL, because it does not know the message (handlers/pubrel.js).
 *
 * Invariant: a connection ends once, with a reason, and delivers no message after that.
 */
import type { ConnectMqtt, MqttOptions, MqttPacket, MqttStream, SubscribeOptions } from './client.ts';
import { describeFault, describeReasonCode } from './fault.ts';
import { guardPackets } from './packet-guard.ts';

/**
 * Maximum size of one packet, in bytes. For brokers of MQTT 3.1.1, which has no field for a limit. It is larger than
 * any event may be: a message that is a little too large can then be read, acknowledged and dropped, and the broker
 * does not send it again and again.
 */
const maxPacketBytes = 16 * 1024 * 1024;

type ConnectionEvents = {
  /** The broker accepted the connection. Called before any message. */
  onWelcome(stream: MqttStream, sessionPresent: boolean): void;
  /** The client reads nothing more until `goOn` is called. */
  onMessage(packet: MqttPacket, qos: number, goOn: () => void): void;
  /** The broker released a QoS 2 message. */
  onReleased(messageId: number): void;
};

export type MqttConnection = {
  /** Resolves when the connection can subscribe. Rejects with the reason when the connection ends before. */
  readonly ready: Promise<void>;
  /** Resolves with the reason, for a person, when the connection is over. */
  readonly over: Promise<string>;
  /** Rejects with the reason when the broker refuses, or when the connection ends before. */
  subscribe(filter: string, options: SubscribeOptions): Promise<void>;
  /** Disconnects politely. The broker can delay the end. `cut` does not wait for the broker. */
  close(): void;
  /** Ends the connection at once. */
  cut(why: string): void;
};

/** @throws when a certificate or a key cannot be read */
export function openConnection(connect: ConnectMqtt, options: MqttOptions, events: ConnectionEvents): MqttConnection {
  const client = connect(options);
  const over = Promise.withResolvers<string>();
  const ready = Promise.withResolvers<void>();
  const weAcknowledge = new Error('the listener acknowledges');
  const qos2Packets = new WeakSet<MqttPacket>();
  let fault: string | undefined;
  let ended = false;
  let welcomed = false;

  const end = (why: string) => {
    if (ended) return;
    ended = true;
    over.resolve(why);
    ready.reject(new Error(why));
  };
  const cut = (why: string) => {
    end(why);
    client.end(true);
    client.stream.destroy();
  };
  ready.promise.catch(() => undefined);

  client.handleMessage = (packet, done) => {
    const goOn = () => done(weAcknowledge);
    if (ended) goOn();
    else events.onMessage(packet, qos2Packets.has(packet) ? 2 : (packet.qos ?? 0), goOn);
  };
  guardPackets(client, maxPacketBytes, cut);
  client.on('packetreceive', (packet) => {
    if (ended) return;
    if (packet.cmd === 'connack' && !welcomed && (packet.reasonCode ?? packet.returnCode) === 0) {
      welcomed = true;
      client.stream.setNoDelay?.(true);
      events.onWelcome(client.stream, packet.sessionPresent === true);
    } else if (packet.cmd === 'publish' && packet.qos === 2) {
      qos2Packets.add(packet);
      packet.qos = 1;
    } else if (packet.cmd === 'pubrel') events.onReleased(packet.messageId ?? 0);
  });
  client.on('connect', () => ready.resolve());
  client.on('disconnect', ({ reasonCode }) => {
    fault = describeReasonCode(reasonCode ?? 0);
  });
  client.on('error', (error) => cut(fault ?? describeFault(error)));
  client.on('close', () => end(fault ?? 'the broker closed the connection'));

  return {
    ready: ready.promise,
    over: over.promise,
    subscribe: (filter, subscribeOptions) =>
      new Promise((resolve, reject) => {
        void over.promise.then((why) => reject(new Error(why)));
        client.subscribe(filter, subscribeOptions, (error, _, suback) => {
          const [code] = suback?.granted ?? [];
          const why = typeof code === 'number' ? describeReasonCode(code) : describeFault(error);
          if (error) reject(new Error(`subscription refused: ${why}`));
          else resolve();
        });
      }),
    close: () => void client.end(false),
    cut,
  };
}
