/**
 * Files in directories of the device, for functions with a grant. Two must agree: the revision's manifest grants, and
 * the device's owner offers (SKERRY_DIRECTORIES).
 *
 * Invariants: nothing outside a granted directory is opened, created, changed or removed, with any names and links
 * (confined-path.ts). Nothing is changed in a read-only one. No operation waits for anything but the disk. No write
 * uses up the file system (disk-reserve.ts).
 */
import { type BigIntStats, constants, existsSync } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, opendir, rename, rmdir, unlink } from 'node:fs/promises';
import type { DirectoryGrant } from '@skerry/shared/function/manifest.ts';
import type {
  CapabilityReply,
  DirectoryEntry,
  DirectoryRequest,
  FileStat,
} from '../../runner/protocol/capability-requests.ts';
import { entryPath, handlePath, inDirectory, inParent, reopen, withEntry } from './confined-path.ts';
import type { DiskReserve } from './disk-reserve.ts';
import { FileRefused, fileErrorCode } from './errno.ts';

const { O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/** Entries of a listed directory; a larger one is `overflow`. */
const maxEntries = 10_000;
/** Permissions of files that a function creates, less the agent's umask. */
const fileMode = 0o666;
/** Tries to open a file that others create and remove at the same time. */
const openTries = 3;
/** The size that an empty new file or directory counts for. */
const newEntry = { bytes: 4_096, files: 1 };
/** Bytes that a read reserves in any case. */
const smallRead = 4_096;
const nothing = new Uint8Array(0);

type Answer = { reply: CapabilityReply; bytes: Uint8Array };
type Operation<K extends DirectoryRequest['op']> = Extract<DirectoryRequest, { op: K }>;

export type Directories = {
  /** Never rejects: a failure is `reply.error`, an error-code of wasi:filesystem. The request has been validated. */
  answer(granted: readonly DirectoryGrant[], ask: DirectoryRequest, bytes: Uint8Array): Promise<Answer>;
};

/** @param offered absolute paths; a granted path must be one of them or below */
export function createDirectories(offered: readonly string[], reserve: DiskReserve): Directories {
  /** Without /proc there is no way to open an entry of an open directory, and so no safe way at all. */
  const supported = existsSync('/proc/self/fd');

  const rootOf = (granted: readonly DirectoryGrant[], grant: number): Place => {
    if (!supported) throw new FileRefused('unsupported');
    const directory = granted[grant];
    const root = directory && offered.find((path) => isWithin(directory.host, path));
    if (!directory || root === undefined) throw new FileRefused('not-permitted');
    return { root, below: namesOf(directory.host.slice(root.length)), writable: directory.mode === 'rw' };
  };

  return {
    async answer(granted, ask, bytes) {
      try {
        const { root, below, writable } = rootOf(granted, ask.grant);
        if (isWriting(ask) && !writable) throw new FileRefused('read-only');
        return await perform(reserve, root, below, ask, bytes);
      } catch (error) {
        return { reply: { error: fileErrorCode(error) }, bytes: nothing };
      }
    },
  };
}

/** A granted directory: `below` leads to it from one that the owner offers, and may have no links in it. */
type Place = { readonly root: string; readonly below: readonly string[]; readonly writable: boolean };

function isWithin(path: string, offered: string): boolean {
  return path === offered || path.startsWith(offered.endsWith('/') ? offered : `${offered}/`);
}

const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '');

function isWriting(ask: DirectoryRequest): boolean {
  if (ask.op === 'open') return ask.create || ask.truncate;
  return ask.op !== 'stat' && ask.op !== 'list' && ask.op !== 'read';
}

async function perform(
  reserve: DiskReserve,
  root: string,
  below: readonly string[],
  ask: DirectoryRequest,
  bytes: Uint8Array,
): Promise<Answer> {
  const names = [...below, ...ask.path];
  /** The granted directory is not an entry of itself. */
  const inside = () => (ask.path.length === 0 ? refuse('not-permitted') : names);
  switch (ask.op) {
    case 'stat':
      return value(toFileStat(await statOf(root, names)));
    case 'list':
      return value(await list(root, names));
    case 'read':
      return { reply: {}, bytes: await read(root, names, ask) };
    case 'write':
      return done(write(reserve, root, inside(), ask, bytes));
    case 'truncate':
      return done(truncate(reserve, root, inside(), ask));
    case 'open':
      return value(toFileStat(await openFile(reserve, root, names, ask)));
    case 'sync':
      return done(withEntry(root, names, (entry) => using(reopen(entry, O_RDONLY), (file) => file.sync())));
    case 'times':
      return done(setTimes(root, names, ask));
    case 'make':
      return done(
        inParent(root, inside(), async (parent, name) => {
          await takeRoom(reserve, parent, newEntry);
          await mkdir(entryPath(parent, name));
        }),
      );
    case 'remove-directory':
      return done(inParent(root, inside(), (parent, name) => rmdir(entryPath(parent, name))));
    case 'remove-file':
      return done(inParent(root, inside(), (parent, name) => unlink(entryPath(parent, name))));
    case 'rename':
      if (ask.to.length === 0) throw new FileRefused('not-permitted');
      return done(
        inParent(root, inside(), (from, name) =>
          inParent(root, [...below, ...ask.to], (to, toName) => rename(entryPath(from, name), entryPath(to, toName))),
        ),
      );
  }
}

function statOf(root: string, names: readonly string[]): Promise<BigIntStats> {
  if (names.length === 0) return inDirectory(root, [], (directory) => directory.stat({ bigint: true }));
  return inParent(root, names, (parent, name) => lstat(entryPath(parent, name), { bigint: true }));
}

async function list(root: string, names: readonly string[]): Promise<DirectoryEntry[]> {
  return inDirectory(root, names, async (directory) => {
    const entries: DirectoryEntry[] = [];
    for await (const entry of await opendir(entryPath(directory, '.'))) {
      if (entries.length === maxEntries) throw new FileRefused('overflow');
      entries.push({ name: entry.name, type: typeOf(entry) });
    }
    return entries;
  });
}

function read(root: string, names: readonly string[], { offset, length }: Operation<'read'>): Promise<Uint8Array> {
  return withFile(root, names, O_RDONLY, async (file) => {
    const { size } = await file.stat();
    // At most the file's size: the guest chooses the length, and it is our memory. Files that the kernel generates have
    // no size.
    const buffer = Buffer.allocUnsafe(Math.min(length, Math.max(size - offset, smallRead)));
    const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, offset);
    return buffer.subarray(0, bytesRead);
  });
}

function write(
  reserve: DiskReserve,
  root: string,
  names: readonly string[],
  { offset }: Operation<'write'>,
  bytes: Uint8Array,
): Promise<void> {
  return withFile(root, names, offset === null ? O_WRONLY | O_APPEND : O_WRONLY, async (file) => {
    await takeRoom(reserve, file, { bytes: bytes.byteLength });
    for (let at = 0; at < bytes.byteLength; ) {
      const place = offset === null ? null : offset + at;
      at += (await file.write(bytes, at, bytes.byteLength - at, place)).bytesWritten;
    }
  });
}

/** Growing makes a hole, which may be filled later. */
function truncate(
  reserve: DiskReserve,
  root: string,
  names: readonly string[],
  { size }: Operation<'truncate'>,
): Promise<void> {
  return withFile(root, names, O_WRONLY, async (file) => {
    const growth = size - (await file.stat()).size;
    if (growth > 0) await takeRoom(reserve, file, { bytes: growth });
    await file.truncate(size);
  });
}

/** @throws FileRefused('insufficient-space') when the file system of this handle has no room beyond its reserve */
async function takeRoom(
  reserve: DiskReserve,
  handle: FileHandle,
  need: { readonly bytes: number; readonly files?: number },
): Promise<void> {
  const { dev } = await handle.stat({ bigint: true });
  await reserve.take(dev, handlePath(handle), need);
}

/** Opens an existing file, or creates one. It is checked again afterwards: it might be another's. */
async function openFile(
  reserve: DiskReserve,
  root: string,
  names: readonly string[],
  { create, exclusive, truncate }: Operation<'open'>,
): Promise<BigIntStats> {
  for (let tries = openTries; ; tries--) {
    try {
      const found = await withEntry(root, names, async (entry, stats) => {
        if (create && exclusive) throw new FileRefused('exist');
        if (truncate && stats.isFile()) await using(reopen(entry, O_WRONLY), (file) => file.truncate(0));
        return truncate && stats.isDirectory() ? refuse('is-directory') : stats;
      });
      return found;
    } catch (error) {
      if (!create || tries === 0 || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    try {
      const flags = O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_NONBLOCK;
      return await inParent(root, names, async (parent, name) => {
        await takeRoom(reserve, parent, newEntry);
        return using(open(entryPath(parent, name), flags, fileMode), (file) => file.stat({ bigint: true }));
      });
    } catch (error) {
      if (exclusive || (error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function setTimes(root: string, names: readonly string[], { accessed, modified }: Operation<'times'>): Promise<void> {
  return withEntry(root, names, (entry, stats) => {
    const flags = O_RDONLY | (stats.isDirectory() ? O_DIRECTORY : 0);
    return using(reopen(entry, flags), (file) =>
      file.utimes(toSeconds(accessed ?? stats.atimeNs), toSeconds(modified ?? stats.mtimeNs)),
    );
  });
}

function withFile<T>(
  root: string,
  names: readonly string[],
  flags: number,
  work: (file: FileHandle) => Promise<T>,
): Promise<T> {
  return withEntry(root, names, (entry, stats) => {
    if (stats.isDirectory()) throw new FileRefused('is-directory');
    return using(reopen(entry, flags), work);
  });
}

async function using<T>(opening: Promise<FileHandle>, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await opening;
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

function refuse(code: string): never {
  throw new FileRefused(code);
}

const value = (content: unknown): Answer => ({ reply: { value: content }, bytes: nothing });

async function done(work: Promise<unknown>): Promise<Answer> {
  await work;
  return { reply: {}, bytes: nothing };
}

/** utimes takes seconds as a fraction, which loses some nanoseconds. */
const toSeconds = (nanoseconds: bigint | string): number => Number(BigInt(nanoseconds) / 1_000n) / 1e6;

function typeOf(entry: Pick<BigIntStats, 'isFile' | 'isDirectory' | 'isSymbolicLink'>): FileStat['type'] {
  if (entry.isFile()) return 'regular-file';
  if (entry.isDirectory()) return 'directory';
  return entry.isSymbolicLink() ? 'symbolic-link' : 'unknown';
}

function toFileStat(stats: BigIntStats): FileStat {
  return {
    type: typeOf(stats),
    size: Number(stats.size),
    links: Number(stats.nlink),
    accessed: String(stats.atimeNs),
    modified: String(stats.mtimeNs),
    changed: String(stats.ctimeNs),
  };
}
