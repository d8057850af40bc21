/**
 * The messages of one session that the broker has no answer to yet, and the answers: PUBACK for QoS 1, PUBREC for QoS 2
 * (MQTT 3.1.1 and 5.0, section 4.3). An answer means that the event is on disk.
 *
 * Invariants: answers leave in the order of the messages (section 4.6); what the broker sends again because it has no
 * answer is the same message, also over a new connection of the same session, and is not taken twice. After the answer
 * has left, a QoS 1 message that comes again is a new one: nothing tells it from one with the same content. A QoS 2
 * message is the same until its PUBREL.
 */
import { createHash } from 'node:crypto';
import type { MqttPacket, MqttStream } from './client.ts';

/** A message to be answered. */
export type Unanswered = {
  readonly messageId: number;
  readonly qos: number;
  /** Tells a QoS 1 message from others under the same id; the message itself is not kept, it may be large. */
  readonly print: string | undefined;
  settled: boolean;
};

/** Answers that are still to leave, at most: there are no more ids. Whoever asks for more breaks the protocol. */
const maxAnswers = 65_535;

export type Answers = {
  /** A connection began. Without a session, what came before will not come again. */
  begin(stream: Pick<MqttStream, 'write'>, sessionPresent: boolean): void;
  /** The connection is over; what has no answer is waited for. */
  end(): void;
  /** Takes a message of QoS 1 or 2. Undefined when we have it already: then its answer is on its way. */
  take(packet: MqttPacket, qos: number): Unanswered | undefined;
  /** This one may be answered, with the next `flush`. */
  settle(message: Unanswered): void;
  flush(): void;
  /** The broker released a QoS 2 message: its id is free for another one. */
  released(messageId: number): void;
  /**
   * Resolves when the broker has released every QoS 2 message that was answered, or the connection is over. Whoever says
   * goodbye before that meets the releases with a stream that has ended, and what is thrown away with it takes along
   * answers that the broker has not read yet.
   */
  whenReleased(): Promise<void>;
};

export function createAnswers(): Answers {
  const byId = new Map<number, Unanswered>();
  let order: Unanswered[] = [];
  let stream: Pick<MqttStream, 'write'> | undefined;

  const forRelease = new Set<() => void>();
  const isReleased = () => ![...byId.values()].some(({ qos, settled }) => qos === 2 && settled);
  const lookForRelease = () => {
    if (forRelease.size > 0 && (stream === undefined || isReleased())) for (const done of forRelease) done();
  };

  const flush = () => {
    const unsettled = order.findIndex(({ settled }) => !settled);
    const ready = unsettled === -1 ? order : order.slice(0, unsettled);
    if (ready.length === 0) return;
    order = unsettled === -1 ? [] : order.slice(unsettled);
    for (const message of ready) {
      if (message.qos === 1 && byId.get(message.messageId) === message) byId.delete(message.messageId);
    }
    stream?.write(Buffer.concat(ready.map(answerTo)));
  };

  return {
    begin(now, sessionPresent) {
      if (!sessionPresent) byId.clear();
      stream = now;
      order = [];
    },
    end() {
      stream = undefined;
      order = [];
      lookForRelease();
    },
    take(packet, qos) {
      const messageId = packet.messageId ?? 0;
      const prior = byId.get(messageId);
      const print = qos === 2 ? undefined : printOf(packet);
      if (prior && prior.qos === qos && (qos === 2 || (packet.dup && prior.print === print))) {
        if (order.length < maxAnswers) order.push(prior);
        flush();
        return undefined;
      }
      const message: Unanswered = { messageId, qos, print, settled: false };
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
      lookForRelease();
    },
    whenReleased: () =>
      new Promise((resolve) => {
        forRelease.add(resolve);
        lookForRelease();
      }),
  };
}

/** PUBACK and PUBREC without a reason code are alike in both versions (section 3.4 and 3.5). */
function answerTo({ messageId, qos }: Unanswered): Uint8Array {
  return Uint8Array.of(qos === 2 ? 0x50 : 0x40, 2, messageId >> 8, messageId & 0xff);
}

function printOf({ topic = '', payload = '' }: MqttPacket): string {
  return createHash('sha256').update(topic).update('\0').update(payload).digest('base64');
}
