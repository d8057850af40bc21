/** Errors of the operating system as error-codes of wasi:filesystem, by their names in errno(3). */

const codes: Readonly<Record<string, string>> = {
  EACCES: 'access',
  EBUSY: 'busy',
  EDQUOT: 'quota',
  EEXIST: 'exist',
  EFBIG: 'file-too-large',
  EINVAL: 'invalid',
  EISDIR: 'is-directory',
  ELOOP: 'loop',
  EMFILE: 'insufficient-memory',
  EMLINK: 'too-many-links',
  ENAMETOOLONG: 'name-too-long',
  ENFILE: 'insufficient-memory',
  ENOENT: 'no-entry',
  ENOMEM: 'insufficient-memory',
  ENOSPC: 'insufficient-space',
  ENOTDIR: 'not-directory',
  ENOTEMPTY: 'not-empty',
  EOVERFLOW: 'overflow',
  EPERM: 'not-permitted',
  EROFS: 'read-only',
  ETXTBSY: 'text-file-busy',
  EXDEV: 'cross-device',
};

/** A refusal of our own; `code` is an error-code of wasi:filesystem. */
export class FileRefused extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.name = 'FileRefused';
    this.code = code;
  }
}

/** The code of the reply; the message stays here, because it contains paths of the device. */
export function fileErrorCode(error: unknown): string {
  if (error instanceof FileRefused) return error.code;
  return codes[(error as NodeJS.ErrnoException).code ?? ''] ?? 'io';
}
