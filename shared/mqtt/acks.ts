/**
 * The unacknowledged messages of one session, and their acknowledgements: PUBACK for QoS 1, PUBREC for QoS 2 (section
 * 4.3 of MQTT 3.1.1 and 5.0). An acknowledgement means that the event is on disk.
 *
 * Invariants:
 * - Acknowledgements leave in the order of the messages (section 4.6).
 * - A message that the broker sends again because it is unacknowledged is the same message, also over a new connection
 *   of the same session. It is not taken twice.
 * - A QoS 1 message that comes again after its acknowledgement is a new message: nothing distinguishes it from another
 *   message with the same content. A QoS 2 message is the same until its PUBREL.
 */
import { createHash } from 'node:crypto';
import type { MqttPacket, MqttStream } from './client.ts';

export type UnackedMessage = {
  readonly messageId: number;
  readonly qos: number;
  /**
   * Digest of a QoS 1 message, which distinguishes it from others under the same id. The message itself can be large
   * and is not held.
   */
  readonly digest: string | undefined;
  settled: boolean;
};

/** Bounds the acknowledgements that wait to be sent. It is the number of ids: a broker that needs more is at fault. */
const maxAcks = 65_535;

export type Acks = {
  /** Call when a connection begins. Without a session, the broker will not send earlier messages again. */
  begin(stream: Pick<MqttStream, 'write'>, sessionPresent: boolean): void;
  /** Call when the connection is over. The unacknowledged messages stay, because the broker will send them again. */
  end(): void;
  /** Takes a message of QoS 1 or 2. Returns undefined for a message that was taken before: `flush` acknowledges it. */
  take(packet: MqttPacket, qos: number): UnackedMessage | undefined;
  /** Marks the message as ready to be acknowledged by the next `flush`. */
  settle(message: UnackedMessage): void;
  /** Sends the acknowledgements of all settled messages before the first one that is not settled. */
  flush(): void;
  /** Call when the broker releases a QoS 2 message (PUBREL): another message may then use its id. */
  released(messageId: number): void;
  /**
   * Resolves when the broker has released every acknowledged QoS 2 message, or when the connection is over. A client
   * must wait for that before it disconnects. Otherwise the releases meet a closed stream, and the connection is reset
   * together with acknowledgements that the broker has not read yet.
   */
  whenReleased(): Promise<void>;
};

export function createAcks(): Acks {
  const byId = new Map<number, UnackedMessage>();
  let order: UnackedMessage[] = [];
  let stream: Pick<MqttStream, 'write'> | undefined;

  const releaseWaiters = new Set<() => void>();
  const isReleased = () => ![...byId.values()].some(({ qos, settled }) => qos === 2 && settled);
  const checkReleased = () => {
    if (releaseWaiters.size === 0) return;
    if (stream === undefined || isReleased()) for (const resolve of releaseWaiters) resolve();
  };

  const flush = () => {
    const unsettled = order.findIndex(({ settled }) => !settled);
    const ready = unsettled === -1 ? order : order.slice(0, unsettled);
    if (ready.length === 0) return;
    order = unsettled === -1 ? [] : order.slice(unsettled);
    for (const message of ready) {
      if (message.qos === 1 && byId.get(message.messageId) === message) byId.delete(message.messageId);
    }
    stream?.write(Buffer.concat(ready.map(encodeAck)));
  };

  return {
    begin(nextStream, sessionPresent) {
      if (!sessionPresent) byId.clear();
      stream = nextStream;
      order = [];
    },
    end() {
      stream = undefined;
      order = [];
      checkReleased();
    },
    take(packet, qos) {
      const messageId = packet.messageId ?? 0;
      const prior = byId.get(messageId);
      const digest = qos === 2 ? undefined : computeDigest(packet);
      if (prior && prior.qos === qos && (qos === 2 || (packet.dup && prior.digest === digest))) {
        if (order.length < maxAcks) order.push(prior);
        flush();
        return undefined;
      }
      const message: UnackedMessage = { messageId, qos, digest, settled: false };
      byId.set(messageId, message);
      order.push(message);
      return message;
    },
    settle(message) {
      message.settled = true;
    },
    flush,
    released(messageId) {
      if (byId.get(messageId)?.qos === 2) byId.delete(messageId);
      checkReleased();
    },
    whenReleased: () =>
      new Promise((resolve) => {
        releaseWaiters.add(resolve);
        checkReleased();
      }),
  };
}

/** PUBACK or PUBREC without a reason code, which has the same bytes in both versions (sections 3.4 and 3.5). */
function encodeAck({ messageId, qos }: UnackedMessage): Uint8Array {
  return Uint8Array.of(qos === 2 ? 0x50 : 0x40, 2, messageId >> 8, messageId & 0xff);
}

function computeDigest({ topic = '', payload = '' }: MqttPacket): string {
  return createHash('sha256').update(topic).update('\0').update(payload).digest('base64');
}
