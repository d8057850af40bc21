/**
 * Seals credentials before they are stored, so that a copy of the database alone opens no broker and no CouchDB.
 * AES-256-GCM (NIST SP 800-38D) with a fresh nonce each; a value that is sealed for one purpose does not open for
 * another.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { SkerryError } from '@skerry/shared/errors.ts';

export type Sealing = {
  /** @param purpose for example `secret:name`; needed again to open it */
  seal(text: string, purpose: string): Uint8Array;
  /** @throws SkerryError internal, when it was sealed with another key, for another purpose, or was changed */
  open(sealed: Uint8Array, purpose: string): string;
  /** Derives a key for one purpose: 32 bytes, always the same. */
  derive(use: string): Uint8Array;
};

/** Bytes of a key. */
export const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
/** First byte of a sealed value: its format. */
const format = 1;

/** @param key 32 bytes */
export function createSealing(key: Uint8Array, random: (bytes: number) => Uint8Array = randomBytes): Sealing {
  return {
    seal(text, purpose) {
      const nonce = random(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(purpose));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([Buffer.of(format), nonce, cipher.getAuthTag(), body]);
    },
    open(sealed, purpose) {
      const nonce = sealed.subarray(1, 1 + nonceBytes);
      const tag = sealed.subarray(1 + nonceBytes, 1 + nonceBytes + tagBytes);
      try {
        if (sealed[0] !== format) throw new Error(`format ${sealed[0]} is not known`);
        const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(purpose)).setAuthTag(tag);
        const body = decipher.update(sealed.subarray(1 + nonceBytes + tagBytes));
        return Buffer.concat([body, decipher.final()]).toString();
      } catch (cause) {
        throw new SkerryError('internal', 'a stored credential cannot be opened: it was sealed with another key', {
          cause,
        });
      }
    },
    derive: (use) => new Uint8Array(hkdfSync('sha256', key, '', `skerry:${use}`, keyBytes)),
  };
}
