/**
 * One connection to a broker, from dialing to its end.
 *
 * The mqtt package hands out one message at a time, and answers it when its handler has finished: events could then only
 * be written to disk one by one, and a handler that waits for room would keep it from reading the broker's signs of
 * life. So the answer is taken away from it: `handleMessage` is ended with an error, upon which it goes on without
 * answering (handlers/publish.js of 5.16.0), and a message of QoS 2 is shown to it as one of QoS 1, so that it takes
 * the same way; it answers PUBREL by itself, since it does not know the message (handlers/pubrel.js).
 *
 * Invariant: it ends once, with a reason, and no message comes out of it after that.
 */
import type { ConnectMqtt, MqttOptions, MqttPacket, MqttStream, SubscribeOptions } from './client.ts';
import { describeFault, reasonOf } from './fault.ts';
import { guardPackets } from './guard.ts';

/**
 * Bytes of one packet at most, from a broker whose protocol lets us say nothing of it. More than any event may have: a
 * message that is a little too large can then be read, answered and dropped, instead of coming again for ever.
 */
const maxPacketBytes = 16 * 1024 * 1024;

export type ConnectionEvents = {
  /** The broker took us; comes before any message. */
  onWelcome(stream: MqttStream, sessionPresent: boolean): void;
  /** Nothing more is read until `goOn` is called. */
  onMessage(packet: MqttPacket, qos: number, goOn: () => void): void;
  /** The broker released a QoS 2 message. */
  onReleased(messageId: number): void;
};

export type Connection = {
  /** Resolves when messages can be asked for. Rejects with the reason when the connection is over before. */
  readonly ready: Promise<void>;
  /** Resolves with why it is over, in words. */
  readonly over: Promise<string>;
  /** Rejects with the reason when the broker refuses it, or when the connection is over before. */
  subscribe(filter: string, options: SubscribeOptions): Promise<void>;
  /** Says goodbye; `cut` makes sure of it. */
  close(): void;
  /** Ends it at once. */
  cut(why: string): void;
};

/** @throws when a certificate or a key cannot be read */
export function openConnection(connect: ConnectMqtt, options: MqttOptions, events: ConnectionEvents): Connection {
  const client = connect(options);
  const over = Promise.withResolvers<string>();
  const ready = Promise.withResolvers<void>();
  const answeredByUs = new Error('answered by us');
  const ofQos2 = new WeakSet<MqttPacket>();
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
    const goOn = () => done(answeredByUs);
    if (ended) goOn();
    else events.onMessage(packet, ofQos2.has(packet) ? 2 : (packet.qos ?? 0), goOn);
  };
  guardPackets(client, maxPacketBytes, cut);
  client.on('packetreceive', (packet) => {
    if (ended) return;
    if (packet.cmd === 'connack' && !welcomed && (packet.reasonCode ?? packet.returnCode) === 0) {
      welcomed = true;
      client.stream.setNoDelay?.(true);
      events.onWelcome(client.stream, packet.sessionPresent === true);
    } else if (packet.cmd === 'publish' && packet.qos === 2) {
      ofQos2.add(packet);
      packet.qos = 1;
    } else if (packet.cmd === 'pubrel') events.onReleased(packet.messageId ?? 0);
  });
  client.on('connect', () => ready.resolve());
  client.on('disconnect', ({ reasonCode }) => {
    fault = reasonOf(reasonCode ?? 0);
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
          const why = typeof code === 'number' ? reasonOf(code) : describeFault(error);
          if (error) reject(new Error(`subscription refused: ${why}`));
          else resolve();
        });
      }),
    close: () => void client.end(false),
    cut,
  };
}
