/**
 * The device's own Ed25519 key: made at first start, kept in the store, never sent anywhere.
 *
 * Invariant: the key is on disk before it is used, because a join token is spent on it and cannot be spent again.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Store } from './store.ts';

export type Identity = {
  /** Raw public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  sign(bytes: Uint8Array): Uint8Array;
};

const metaKey = 'identity';

export function loadIdentity(store: Pick<Store, 'getMeta' | 'setMeta' | 'sync'>): Identity {
  const kept = store.getMeta(metaKey);
  const key = kept
    ? createPrivateKey({ key: Buffer.from(kept), format: 'der', type: 'pkcs8' })
    : generateKeyPairSync('ed25519').privateKey;
  if (!kept) {
    store.setMeta(metaKey, key.export({ format: 'der', type: 'pkcs8' }));
    store.sync();
  }
  return { publicKey: rawPublicKey(key), sign: (bytes) => sign(null, bytes, key) };
}

function rawPublicKey(key: KeyObject): Uint8Array {
  // The raw key is what follows the 12 bytes of header in the SubjectPublicKeyInfo (RFC 8410, section 4).
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(12);
}
