/**
 * The device's own Ed25519 key: made at first start, kept in the store, never sent anywhere.
 *
 * Invariant: the key is on disk before it is used, because a join token is spent on it and cannot be spent again.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Store } from './store.ts';
import { identityKey } from './store-file.ts';

export type Identity = {
  /** Raw public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  sign(bytes: Uint8Array): Uint8Array;
};

/** @param onLost what was kept is no key any more, and another one was made */
export function loadIdentity(
  store: Pick<Store, 'getMeta' | 'setMeta' | 'sync'>,
  onLost: () => void = () => {},
): Identity {
  const bytes = store.getMeta(identityKey);
  const kept = bytes && readKey(bytes);
  if (bytes && !kept) onLost();
  const key = kept ?? generateKeyPairSync('ed25519').privateKey;
  if (!kept) {
    store.setMeta(identityKey, key.export({ format: 'der', type: 'pkcs8' }));
    store.sync();
  }
  return { publicKey: rawPublicKey(key), sign: (bytes) => sign(null, bytes, key) };
}

function readKey(bytes: Uint8Array): KeyObject | undefined {
  try {
    return createPrivateKey({ key: Buffer.from(bytes), format: 'der', type: 'pkcs8' });
  } catch {
    return undefined;
  }
}

function rawPublicKey(key: KeyObject): Uint8Array {
  // The raw key is what follows the 12 bytes of header in the SubjectPublicKeyInfo (RFC 8410, section 4).
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(12);
}
