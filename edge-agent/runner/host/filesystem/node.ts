/**
 * What a descriptor is open on: a file or directory, in memory (scratch.ts) or on the device (granted.ts). Everything
 * here is synchronous, because guests call files so, and fails by throwing a FileErrorCode.
 *
 * `names` lead from a directory downwards; no names: the node itself. A link is an entry that can be seen and removed,
 * and never a way to somewhere.
 */
import type { DirectoryEntry, FileStat } from '../../protocol/capability-requests.ts';
import type { Names } from './path.ts';

export type { DirectoryEntry, FileStat };

export type OpenOptions = { readonly create: boolean; readonly exclusive: boolean; readonly truncate: boolean };

/** Bytes of one read or write at most, whatever the guest asks for. */
export const maxTransferBytes = 1024 * 1024;

export type FileNode = {
  readonly isDirectory: boolean;
  /** False: every operation that would change something is refused with `read-only`. */
  readonly writable: boolean;

  /** Equal for what is the same object. */
  identify(names: Names): string;
  stat(names: Names): FileStat;
  /** Without `.` and `..`. */
  list(): readonly DirectoryEntry[];
  open(names: Names, options: OpenOptions): FileNode;
  makeDirectory(names: Names): void;
  removeDirectory(names: Names): void;
  removeFile(names: Names): void;
  /** @throws `cross-device` when `to` belongs to something else */
  rename(names: Names, to: FileNode, toNames: Names): void;
  /** Nanoseconds since the epoch; undefined: as it is. */
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
