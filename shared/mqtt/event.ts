/** From a message to the event that it is: the function's input, and the id where the sender gave one. Pure. */
import { deriveEventId, type EventScope, type NewEvent } from '../events/intake.ts';
import type { MqttParams } from '../function/triggers.ts';

export type MqttMessage = { readonly topic: string; readonly payload: Uint8Array };

export type Origin = EventScope & { readonly function: string };

type Form = Pick<MqttParams, 'payload' | 'envelope' | 'message_id'>;

/**
 * @param now when it came in, in milliseconds since the epoch
 * @param id for an event that its sender does not name
 */
export function toEvent(form: Form, origin: Origin, message: MqttMessage, now: number, id: string): NewEvent {
  const { trigger, device, function: functionId } = origin;
  const event = { id, named: false, trigger, function: functionId, origin: 'mqtt', createdAt: now } as const;
  const read = form.payload === 'json' || form.message_id !== undefined ? readJson(message.payload) : undefined;
  if (read && !read.ok) return invalid(event, message, 'the payload is not JSON');
  if (form.message_id === undefined) return { ...event, input: inputOf(form, message, read?.text, now) };
  const name = nameAt(form.message_id, read?.value);
  if (name === undefined) return invalid(event, message, `the payload has no id at "${form.message_id}"`);
  const named = { ...event, id: deriveEventId({ trigger, device }, name), named: true };
  return { ...named, input: inputOf(form, message, read?.text, now) };
}

function invalid(event: Omit<NewEvent, 'input'>, { payload }: MqttMessage, why: string): NewEvent {
  return { ...event, input: new Uint8Array(payload), invalid: why };
}

/** A copy: the payload is a part of the buffer that the socket was read into, and would keep all of it. */
function inputOf({ payload: as, envelope }: Form, message: MqttMessage, json: string | undefined, now: number) {
  const { topic, payload } = message;
  if (!envelope) return new Uint8Array(payload);
  const head = `{"topic":${JSON.stringify(topic)},"time":"${new Date(now).toISOString()}",`;
  if (as === 'json') return new TextEncoder().encode(`${head}"payload":${json}}`);
  return new TextEncoder().encode(`${head}"payload":"${payload.toBase64()}","encoding":"base64"}`);
}

type Read = { readonly ok: true; readonly text: string; readonly value: unknown } | { readonly ok: false };

function readJson(bytes: Uint8Array): Read {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { ok: true, text, value: JSON.parse(text) };
  } catch {
    return { ok: false };
  }
}

/** The sender's id, where there is a text or a number at the path. */
function nameAt(path: string, value: unknown): string | undefined {
  let at = value;
  for (const key of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return (typeof at === 'string' && at !== '') || typeof at === 'number' ? String(at) : undefined;
}
