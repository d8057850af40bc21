/** Makes a directory with its parents. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Like `mkdir` with `recursive`. That one never ends on a file system that answers ENOENT although the parent exists,
 * such as /proc. Rejects with the system's error.
 */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isDirectory = (path: string) =>
      stat(path)
        .then((found) => found.isDirectory())
        .catch(() => false);
    if (code === 'EEXIST' && (await isDirectory(path))) return;
    if (code !== 'ENOENT' || (await isDirectory(dirname(path)))) throw error;
    await makeDirectory(dirname(path), mode);
    await mkdir(path, { mode });
  }
}
