/** Bearer tokens: 32 random bytes behind a prefix that tells people which kind it is. Only the hash is stored. */
import { hash, timingSafeEqual } from 'node:crypto';

/** `sk_` for subjects, `sj_` for join tokens. */
type TokenPrefix = 'sk_' | 'sj_';

/** @param randomBytes cryptographically random, `size` bytes of it */
export function createToken(prefix: TokenPrefix, randomBytes: (size: number) => Uint8Array): string {
  return prefix + Buffer.from(randomBytes(32)).toString('base64url');
}

/** SHA-256: enough for tokens that have 256 random bits, and cheap enough for every request. */
export function hashToken(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}

/** The same in hex, at a quarter of the cost: for every request. */
export function hashTokenHex(token: string): string {
  return hash('sha256', token, 'hex');
}

/** Compares in constant time. */
export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}
