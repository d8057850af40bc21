/**
 * Checks of a trigger or a sink beyond its schema, for faults that would only show when it connects: a forbidden
 * address (the addresses of a name are judged then; outbound/forbidden-addresses.ts), invalid PEM texts, parameters
 * that do not go together. With placement `edge` the device decides where a trigger connects.
 *
 * These checks belong to the API and not to the schemas: bindings that were stored before a check existed stay
 * readable, and so do the frames that carry them.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { validateHeaderValue } from 'node:http';
import { isIPv6 } from 'node:net';
import { SkerryError } from '@skerry/shared/errors.ts';
import { effectivePort } from '@skerry/shared/function/mqtt-broker.ts';
import type { Sink } from '@skerry/shared/function/sinks.ts';
import type { Trigger } from '@skerry/shared/function/triggers.ts';
import { isForbidden } from '../outbound/forbidden-addresses.ts';

/** @throws SkerryError validation_failed, which names the field */
export function checkBinding({ type, params }: Trigger | Sink): void {
  if (type === 'schedule') return;
  const [field, host] = 'url' in params ? ['url', new URL(params.url).hostname] : ['host', params.host];
  if (field === 'host' && host.includes(':') && !isIPv6(host)) {
    throw refusal('host', 'must be a name or an address without a port, which is given as port');
  }
  const isEdge = 'placement' in params && params.placement === 'edge';
  if (!isEdge && isForbidden(host)) throw refusal(field, 'must not be a link-local or metadata address');
  const tls = 'tls' in params && typeof params.tls === 'object' ? params.tls : {};
  const { ca = 'ca' in params ? params.ca : undefined, cert, key } = tls;
  for (const [name, text] of Object.entries({ ca, cert })) {
    if (text !== undefined && !reads(() => new X509Certificate(text)))
      throw refusal(name, 'must be certificates as PEM');
  }
  if (key !== undefined && !reads(() => createPrivateKey(key))) {
    throw refusal('key', 'must be a private key as PEM, without a passphrase');
  }
  checkCredentials(params);
  // The id is looked up in JSON, so every payload for which `raw` is meant would be dropped.
  if ('message_id' in params && params.message_id !== undefined && params.payload === 'raw') {
    throw refusal('message_id', 'must not be given beside payload raw: it is found in JSON only');
  }
}

/**
 * A trigger must not subscribe to the topic of another trigger of the function in the same place: each message would
 * run twice.
 * @throws SkerryError validation_failed
 */
export function checkDistinct(spec: Trigger | Sink, others: readonly (Trigger | Sink)[]): void {
  const own = subscriptionOf(spec);
  if (own !== undefined && others.some((other) => subscriptionOf(other) === own)) {
    throw refusal('topic', 'must not be that of another trigger of the function, at the same broker and in one place');
  }
}

/** Undefined for a binding that does not subscribe. */
function subscriptionOf({ type, params }: Trigger | Sink): string | undefined {
  if (type !== 'mqtt' || !('placement' in params)) return undefined;
  return JSON.stringify([params.placement, params.host, effectivePort(params), params.topic, params.share]);
}

/** MQTT (3.1.1, 3.1.2.9) and HTTP's Basic have no password without a user: it would never be sent. */
function checkCredentials(params: Exclude<Trigger | Sink, { type: 'schedule' }>['params']): void {
  const { username, password, password_secret: secret } = params;
  if (username === undefined && (password !== undefined || secret !== undefined)) {
    throw refusal('username', 'must be given beside a password');
  }
  const token = 'token' in params ? params.token : undefined;
  if (token !== undefined && !reads(() => validateHeaderValue('authorization', token))) {
    throw refusal('token', 'must be fit for a header: no line break, and no other control character');
  }
}

function reads(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}

function refusal(field: string, message: string): SkerryError {
  return new SkerryError('validation_failed', `${field} ${message}`, { fields: { [field]: [message] } });
}
