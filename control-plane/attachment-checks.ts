/**
 * What a schema does not say of a trigger or a sink, and what would only show when it is dialed: an address that nothing
 * is sent to (what a name leads to is judged then; forbidden-addresses.ts), and PEM texts that are none. Where a trigger
 * with placement `edge` connects to is the device's own.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Sink } from '@skerry/shared/sinks.ts';
import type { Trigger } from '@skerry/shared/triggers.ts';
import { isForbidden } from './forbidden-addresses.ts';

/** @throws SkerryError validation_failed, which names the field */
export function checkAttachment({ type, params }: Trigger | Sink): void {
  if (type === 'schedule') return;
  const [field, host] = 'url' in params ? ['url', new URL(params.url).hostname] : ['host', params.host];
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
