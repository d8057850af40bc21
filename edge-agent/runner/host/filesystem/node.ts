/**
 * The object of a descriptor: a file or directory, in memory (scratch.ts) or on the device (granted.ts). Everything
 * here is synchronous, because guests call files synchronously, and fails by throwing a FileErrorCode.
 *
 * `names` lead from a directory downwards; without names it is the node itself. A link is an entry that can be listed
 * and removed, and is never followed.
 */
import type { DirectoryEntry, FileStat } from '../../protocol/capability-requests.ts';
import type { Names } from './path.ts';

export type { DirectoryEntry, FileStat };

export type OpenOptions = { readonly create: boolean; readonly exclusive: boolean; readonly truncate: boolean };

/** Most bytes of one read or write, for any request. */
export const maxTransferBytes = 1024 * 1024;

export type FileNode = {
  readonly isDirectory: boolean;
  /** False: every change is refused with `read-only`. */
  readonly writable: boolean;

  /** Equal for the same object. */
  identify(names: Names): string;
  stat(names: Names): FileStat;
  /** Without `.` and `..`. */
  list(): readonly DirectoryEntry[];
  open(names: Names, options: OpenOptions): FileNode;
  makeDirectory(names: Names): void;
  removeDirectory(names: Names): void;
  removeFile(names: Names): void;
  /** @throws `cross-device` when `to` belongs to another file system */
  rename(names: Names, to: FileNode, toNames: Names): void;
  /** Nanoseconds since the epoch; undefined: unchanged. */
  setTimes(names: Names, accessed: bigint | undefined, modified: bigint | undefined): void;

  /** Up to `length` bytes, at most `maxTransferBytes`; none at the end of the file. */
  read(offset: number, length: number): Uint8Array;
  /** @param offset undefined: at the end. @returns bytes written, at most `maxTransferBytes` */
  write(offset: number | undefined, bytes: Uint8Array): number;
  truncate(size: number): void;
  sync(): void;

  /** A descriptor is open on it; each `hold` has its `release`. */
  hold(): void;
  release(): void;
};
