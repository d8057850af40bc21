/** Reads the events out of a trigger's messages, and counts the messages. */
import { randomUUIDv7 } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { NewEvent } from '../events/intake.ts';
import type { MqttParams } from '../function/triggers.ts';
import type { MqttPacket } from './client.ts';
import { type EventSource, toEvent } from './event.ts';

/** Maximum size of a payload, in bytes: the ceiling of a function's input. */
export const maxPayloadBytes = 4 * 1024 * 1024;

type MessageReaderOptions = {
  readonly params: MqttParams;
  readonly source: EventSource;
  readonly clock: Clock;
  /** Called with the reason for each message that is no valid event. */
  readonly onInvalid: (why: string) => void;
};

export class MessageReader {
  readonly #options: MessageReaderOptions;
  #received = 0;
  #invalid = 0;
  #lastMessage: number | undefined;

  constructor(options: MessageReaderOptions) {
    this.#options = options;
  }

  get received(): number {
    return this.#received;
  }

  /** Number of messages that were no valid event. */
  get invalid(): number {
    return this.#invalid;
  }

  /** Time of the last message, in milliseconds since the epoch. */
  get lastMessage(): number | undefined {
    return this.#lastMessage;
  }

  /** @returns the event to store, which may be a dead letter. Undefined when the message is dropped */
  read(packet: MqttPacket): NewEvent | undefined {
    const { params, clock, onInvalid } = this.#options;
    this.#received += 1;
    this.#lastMessage = clock.now();
    const event = this.#toEvent(packet);
    if (typeof event === 'object' && event.invalid === undefined) return event;
    this.#invalid += 1;
    onInvalid(typeof event === 'string' ? event : (event.invalid ?? ''));
    return typeof event === 'object' && params.dead_letter ? event : undefined;
  }

  /** @returns the event, or the reason why the payload cannot be stored at all */
  #toEvent(packet: MqttPacket): NewEvent | string {
    const { params, source, clock } = this.#options;
    const payload = toBytes(packet.payload);
    if (payload.byteLength > maxPayloadBytes) return `the payload has more than ${maxPayloadBytes} bytes`;
    return toEvent(params, source, { topic: packet.topic ?? '', payload }, clock.now(), randomUUIDv7());
  }
}

function toBytes(payload: string | Uint8Array = ''): Uint8Array {
  return typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
}
