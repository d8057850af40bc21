/**
 * The device's own Ed25519 key: made at the first start, kept in the store and again in a file beside it, never sent.
 *
 * Invariants: the key is on disk before it is used, because a join token is spent on it and cannot be spent again. Each
 * copy contains the public key, so that a damaged bit is detected: any 32 bytes would be a valid key.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { IdentityCopy } from './identity-copy.ts';
import type { AgentStore } from './store.ts';
import { identityKey } from './store-file.ts';

export type Identity = {
  /** Raw public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  sign(bytes: Uint8Array): Uint8Array;
};

/**
 * The fault of the stored key. `lost`: no copy is intact, and another key was made. `mended`: one copy was damaged.
 * `differ`: both are intact and not the same, and the store's key is used. `unkept`: the copy cannot be written.
 */
export type IdentityFault = 'lost' | 'mended' | 'differ' | 'unkept';

/** @param copy beside the store; without it, the store's copy is the only one */
export function loadIdentity(
  store: Pick<AgentStore, 'getMeta' | 'setMeta' | 'sync'>,
  copy?: IdentityCopy,
  onFault: (fault: IdentityFault) => void = () => {},
): Identity {
  const [stored, copied] = [readKey(store.getMeta(identityKey)), readKey(copy?.read())];
  // A key that an earlier agent stored can be checked only against the copy.
  const kept = [stored, copied].find(({ state }) => state === 'whole') ?? [stored, copied].find(({ key }) => key);
  const wasThere = stored.state !== 'absent' || copied.state !== 'absent';
  if (!kept && wasThere) onFault('lost');
  const key = kept?.key ?? generateKeyPairSync('ed25519').privateKey;
  const bytes = keyBytes(key);
  const fits = (other: Kept) => other.key?.equals(key) === true;
  if (stored.state !== 'whole') {
    store.setMeta(identityKey, bytes);
    store.sync();
  }
  const areDifferent = stored.state === 'whole' && copied.state === 'whole' && !fits(copied);
  if (areDifferent) onFault('differ');
  else if (kept && [stored, copied].some((one) => one.state !== 'absent' && !fits(one))) onFault('mended');
  if (copied.state !== 'whole' && copy?.write(bytes) === false) onFault('unkept');
  return { publicKey: rawPublicKey(key), sign: (bytes) => sign(null, bytes, key) };
}

/** `unchecked`: from an earlier agent, without the public key. */
type Kept = { readonly state: 'absent' | 'damaged' | 'unchecked' | 'whole'; readonly key?: KeyObject };

/** PKCS #8 of an Ed25519 key (RFC 8410, section 7), followed by the raw public key. */
const privateBytes = 48;
const publicBytes = 32;

function readKey(bytes: Uint8Array | undefined): Kept {
  if (!bytes) return { state: 'absent' };
  try {
    const der = Buffer.from(bytes.subarray(0, privateBytes));
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    if (key.asymmetricKeyType !== 'ed25519') return { state: 'damaged' };
    if (bytes.byteLength === privateBytes) return { state: 'unchecked', key };
    const isWhole = rawPublicKey(key).equals(bytes.subarray(privateBytes));
    return isWhole ? { state: 'whole', key } : { state: 'damaged' };
  } catch {
    return { state: 'damaged' };
  }
}

function keyBytes(key: KeyObject): Uint8Array {
  return Buffer.concat([key.export({ format: 'der', type: 'pkcs8' }), rawPublicKey(key)]);
}

function rawPublicKey(key: KeyObject): Buffer {
  // The raw key is at the end of the SubjectPublicKeyInfo (RFC 8410, section 4).
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-publicBytes);
}
