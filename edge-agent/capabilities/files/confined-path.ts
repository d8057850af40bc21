/**
 * A path below a directory of the device that cannot lead out of it.
 *
 * No path is ever joined from names. From an open directory the next name is opened through /proc/self/fd, which is
 * what openat(2) does, with O_NOFOLLOW. So the kernel refuses a link, whether it was planted before or swapped in
 * during the operation. Names have no slash and are not `..` (capabilities/request-schema.ts). Entries are first opened
 * with O_PATH, which has no effect on them (a fifo does not block, a device does not notice), checked, and then opened
 * for reading or writing through that handle.
 *
 * Invariant: every handle is closed when the operation is over.
 */
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { FileRefused } from './errno.ts';

/** open(2); Node does not name it. The same number on x86-64 and arm64. */
const O_PATH = 0o10_000_000;
const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** A path that leads to the open file, under any current name. */
export const handlePath = ({ fd }: FileHandle) => `/proc/self/fd/${fd}`;

/** Path of an entry of an open directory. For system calls that do not follow a link in the last place. */
export const entryPath = (directory: FileHandle, name: string) => `${handlePath(directory)}/${name}`;

/** Reopens the file of an O_PATH handle, which has been checked. */
export function reopen(handle: FileHandle, flags: number): Promise<FileHandle> {
  return open(handlePath(handle), flags | O_NONBLOCK);
}

/**
 * Runs `work` with a handle (O_PATH) of the directory that the names lead to.
 * @param root absolute path of a directory; links on the way to it are the owner's, a link in the last place is refused
 * @throws FileRefused, or the system's error: ELOOP or ENOTDIR for a link
 */
export async function inDirectory<T>(
  root: string,
  names: readonly string[],
  work: (directory: FileHandle) => Promise<T>,
): Promise<T> {
  let directory = await open(root, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  try {
    for (const name of names) {
      const next = await open(entryPath(directory, name), O_PATH | O_DIRECTORY | O_NOFOLLOW);
      await directory.close();
      directory = next;
    }
    return await work(directory);
  } finally {
    await directory.close();
  }
}

/** The same, with the directory that holds the last name, and that name. @throws FileRefused without names */
export async function inParent<T>(
  root: string,
  names: readonly string[],
  work: (directory: FileHandle, name: string) => Promise<T>,
): Promise<T> {
  const name = names.at(-1);
  if (name === undefined) throw new FileRefused('invalid');
  return inDirectory(root, names.slice(0, -1), (directory) => work(directory, name));
}

/** Runs `work` with a handle (O_PATH) of the file or directory, and its type. Other types are refused. */
export function withEntry<T>(
  root: string,
  names: readonly string[],
  work: (entry: FileHandle, stats: BigIntStats) => Promise<T>,
): Promise<T> {
  if (names.length === 0) {
    return inDirectory(root, [], async (directory) => work(directory, await directory.stat({ bigint: true })));
  }
  return inParent(root, names, async (directory, name) => {
    const entry = await open(entryPath(directory, name), O_PATH | O_NOFOLLOW);
    try {
      const stats = await entry.stat({ bigint: true });
      checkKind(stats);
      return await work(entry, stats);
    } finally {
      await entry.close();
    }
  });
}

/** A file with hard links might belong to others, and devices, fifos and sockets are no files. @throws FileRefused */
function checkKind(stats: BigIntStats): void {
  if (stats.isSymbolicLink()) throw new FileRefused('loop');
  if (stats.isDirectory()) return;
  if (!stats.isFile() || stats.nlink > 1n) throw new FileRefused('not-permitted');
}
