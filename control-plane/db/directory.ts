/** Creates the data directory with its parents. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Like `mkdir` with `recursive`, which never ends where a file system answers ENOENT although the parent exists, as
 * /proc does. Rejects with the system's error.
 */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isThere = (one: string) =>
      stat(one)
        .then((found) => found.isDirectory())
        .catch(() => false);
    if (code === 'EEXIST' && (await isThere(path))) return;
    if (code !== 'ENOENT' || (await isThere(dirname(path)))) throw error;
    await makeDirectory(dirname(path), mode);
    await mkdir(path, { mode });
  }
}
