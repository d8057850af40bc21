/** Converts a message to an event: builds the function's input, and reads the id that the sender gave. Pure. */
import { deriveEventId, type EventScope, type NewEvent } from '../events/intake.ts';
import type { MqttParams } from '../function/triggers.ts';

type MqttMessage = { readonly topic: string; readonly payload: Uint8Array };

export type EventSource = EventScope & { readonly function: string };

type PayloadFormat = Pick<MqttParams, 'payload' | 'envelope' | 'message_id'>;

/**
 * @param now time of arrival, in milliseconds since the epoch
 * @param id for an event that its sender does not name
 */
export function toEvent(
  format: PayloadFormat,
  source: EventSource,
  message: MqttMessage,
  now: number,
  id: string,
): NewEvent {
  const { trigger, device, function: functionId } = source;
  const event = { id, named: false, trigger, function: functionId, origin: 'mqtt', createdAt: now } as const;
  const json = format.payload === 'json' || format.message_id !== undefined ? parseJson(message.payload) : undefined;
  if (json && !json.ok) return toInvalidEvent(event, message, 'the payload is not JSON');
  if (format.message_id === undefined) return { ...event, input: buildInput(format, message, json?.text, now) };
  const name = readName(format.message_id, json?.value);
  if (name === undefined) return toInvalidEvent(event, message, `the payload has no id at "${format.message_id}"`);
  const named = { ...event, id: deriveEventId({ trigger, device }, name), named: true };
  return { ...named, input: buildInput(format, message, json?.text, now) };
}

function toInvalidEvent(event: Omit<NewEvent, 'input'>, { payload }: MqttMessage, why: string): NewEvent {
  return { ...event, input: new Uint8Array(payload), invalid: why };
}

/** Copies the payload: it is a view of the socket's read buffer, and would keep the whole buffer in memory. */
function buildInput(format: PayloadFormat, { topic, payload }: MqttMessage, json: string | undefined, now: number) {
  if (!format.envelope) return new Uint8Array(payload);
  const head = `{"topic":${JSON.stringify(topic)},"time":"${new Date(now).toISOString()}",`;
  if (format.payload === 'json') return new TextEncoder().encode(`${head}"payload":${json}}`);
  return new TextEncoder().encode(`${head}"payload":"${payload.toBase64()}","encoding":"base64"}`);
}

type ParsedJson = { readonly ok: true; readonly text: string; readonly value: unknown } | { readonly ok: false };

function parseJson(bytes: Uint8Array): ParsedJson {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { ok: true, text, value: JSON.parse(text) };
  } catch {
    return { ok: false };
  }
}

/** @returns the sender's id, if the path leads to a number or to a text that is not empty */
function readName(path: string, value: unknown): string | undefined {
  let at = value;
  for (const key of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return (typeof at === 'string' && at !== '') || typeof at === 'number' ? String(at) : undefined;
}
