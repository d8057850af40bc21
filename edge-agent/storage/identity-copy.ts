/**
 * The second copy of the device's key: a file of its own, so that one bad page cannot destroy both copies. Readable by
 * its owner only, replaced as a whole.
 */
import { closeSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { syncPath } from './open-marker.ts';

/** Larger than any copy. */
const maxBytes = 1_024;

export type IdentityCopy = {
  /** Undefined when there is none; empty when it cannot be read. */
  read(): Uint8Array | undefined;
  /** On disk when this returns. False when it cannot be written. */
  write(bytes: Uint8Array): boolean;
};

export function createIdentityCopy(path: string): IdentityCopy {
  return {
    read() {
      let handle: number | undefined;
      try {
        handle = openSync(path, 'r');
        const bytes = Buffer.alloc(maxBytes);
        return bytes.subarray(0, readSync(handle, bytes, 0, maxBytes, 0));
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : new Uint8Array(0);
      } finally {
        if (handle !== undefined) closeSync(handle);
      }
    },
    write(bytes) {
      try {
        replace(path, bytes);
        return true;
      } catch {
        return false;
      }
    },
  };
}

function replace(path: string, bytes: Uint8Array): void {
  const partial = `${path}.partial`;
  rmSync(partial, { force: true });
  const handle = openSync(partial, 'wx', 0o600);
  try {
    writeSync(handle, bytes);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(partial, path);
  syncPath(dirname(path));
}
