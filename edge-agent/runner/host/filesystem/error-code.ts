/**
 * `error-code` of wasi:filesystem/types. jco takes a thrown string for the value of the guest's error. An Error would
 * end the guest, so nothing in this folder throws one for a guest's fault.
 */

/** Codes of the host itself, and codes that the agent may reply with (capabilities/files/errno.ts). */
export const errorCodes = [
  'access',
  'bad-descriptor',
  'busy',
  'cross-device',
  'exist',
  'file-too-large',
  'insufficient-memory',
  'insufficient-space',
  'invalid',
  'io',
  'is-directory',
  'loop',
  'name-too-long',
  'no-entry',
  'not-directory',
  'not-empty',
  'not-permitted',
  'overflow',
  'quota',
  'read-only',
  'text-file-busy',
  'too-many-links',
  'unsupported',
] as const;

/** A code of WIT's `error-code` that occurs here. */
export type FileErrorCode = (typeof errorCodes)[number];

/** The code with this name; an unknown name is `io`. */
export function toErrorCode(name: string): FileErrorCode {
  return errorCodes.find((known) => known === name) ?? 'io';
}

/** @throws the code, as jco needs it. An expression, so that it can stand in place of a value */
export function refuse(code: FileErrorCode): never {
  throw code;
}
