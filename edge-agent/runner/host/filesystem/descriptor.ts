/**
 * The resource `descriptor` of wasi:filesystem/types 0.2: the rules of the interface, over a node that does the work.
 * Errors are thrown FileErrorCodes.
 *
 * Links are never followed: where the guest asks for that, a link is `loop`. Creating a link, or reading its target, is
 * `not-permitted`. A guest can have `maxDescriptors` open at once.
 */
import { createHash } from 'node:crypto';
import type { CallChannel } from '../../protocol/channel.ts';
import { InputStream, OutputStream } from '../io/streams.ts';
import { DirectoryEntryStream } from './directory-entry-stream.ts';
import { refuse } from './error-code.ts';
import { fileSource, fileTarget } from './file-streams.ts';
import type { FileNode, FileStat } from './node.ts';
import { parsePath } from './path.ts';
import { type Datetime, fromTimestamp, type NewTimestamp, toDatetime } from './times.ts';

type PathFlags = { readonly symlinkFollow?: boolean };
type OpenFlags = {
  readonly create?: boolean;
  readonly directory?: boolean;
  readonly exclusive?: boolean;
  readonly truncate?: boolean;
};
/** Absent is false. The three kinds of synchronised writing are accepted and make no difference. */
type DescriptorFlags = { readonly read?: boolean; readonly write?: boolean; readonly mutateDirectory?: boolean };

type DescriptorStat = {
  readonly type: FileStat['type'];
  readonly linkCount: bigint;
  readonly size: bigint;
  readonly dataAccessTimestamp: Datetime;
  readonly dataModificationTimestamp: Datetime;
  readonly statusChangeTimestamp: Datetime;
};

/** The shared state of one instance's descriptors. */
export type DirectoryContext = {
  readonly current: () => CallChannel;
  /** Nanoseconds since the epoch. */
  readonly now: () => bigint;
  /** Open descriptors. */
  open: number;
};

/** Each costs memory of the host that no limit of the guest counts. Beyond it: `insufficient-memory`. */
const maxDescriptors = 4_096;

/** Created by `openAt` and `preopens` only: an argument of a guest must be an instance of it. */
export class Descriptor {
  #state: { readonly node: FileNode; readonly flags: DescriptorFlags; readonly around: DirectoryContext } | undefined;

  static of(node: FileNode, flags: DescriptorFlags, around: DirectoryContext): Descriptor {
    if (around.open >= maxDescriptors) refuse('insufficient-memory');
    const descriptor = new Descriptor();
    descriptor.#state = { node, flags, around };
    around.open += 1;
    node.hold();
    return descriptor;
  }

  [Symbol.dispose](): void {
    if (!this.#state) return;
    this.#state.around.open -= 1;
    this.#state.node.release();
    this.#state = undefined;
  }

  readViaStream(offset: bigint): InputStream {
    const { node, around } = this.#readable();
    return InputStream.of(fileSource(node, toOffset(offset)), around.current().signal);
  }

  writeViaStream(offset: bigint): OutputStream {
    const { node, around } = this.#writableFile();
    return OutputStream.of(fileTarget(node, toOffset(offset)), around.current().signal);
  }

  appendViaStream(): OutputStream {
    const { node, around } = this.#writableFile();
    return OutputStream.of(fileTarget(node, undefined), around.current().signal);
  }

  /** Advice is accepted and ignored. */
  advise(): void {
    this.#file();
  }

  syncData(): void {
    this.sync();
  }

  sync(): void {
    const { node } = this.#open();
    if (node.writable) node.sync();
  }

  getFlags(): DescriptorFlags {
    return this.#open().flags;
  }

  getType(): FileStat['type'] {
    return this.#open().node.isDirectory ? 'directory' : 'regular-file';
  }

  setSize(size: bigint): void {
    this.#writableFile().node.truncate(toOffset(size));
  }

  setTimes(accessed: NewTimestamp, modified: NewTimestamp): void {
    const { node, around } = this.#open();
    if (!node.writable) refuse('read-only');
    if (!node.isDirectory) this.#writableFile();
    node.setTimes([], fromTimestamp(accessed, around.now), fromTimestamp(modified, around.now));
  }

  /** At most 1 MiB, for any length. */
  read(length: bigint, offset: bigint): [Uint8Array, boolean] {
    const { node } = this.#readable();
    const bytes = node.read(toOffset(offset), Number(length));
    return [bytes, length > 0n && bytes.byteLength === 0];
  }

  write(buffer: Uint8Array, offset: bigint): bigint {
    return BigInt(this.#writableFile().node.write(toOffset(offset), buffer));
  }

  readDirectory(): DirectoryEntryStream {
    return DirectoryEntryStream.of(this.#directory().list());
  }

  createDirectoryAt(path: string): void {
    const { names } = parsePath(path);
    if (names.length === 0) refuse('exist');
    this.#mutable().makeDirectory(names);
  }

  stat(): DescriptorStat {
    return toDescriptorStat(this.#open().node.stat([]));
  }

  statAt(flags: PathFlags, path: string): DescriptorStat {
    return toDescriptorStat(this.#statAt(flags, path));
  }

  setTimesAt(flags: PathFlags, path: string, accessed: NewTimestamp, modified: NewTimestamp): void {
    const { names } = parsePath(path);
    const { now } = this.#open().around;
    const node = this.#mutable();
    if (flags.symlinkFollow) this.#statAt(flags, path);
    node.setTimes(names, fromTimestamp(accessed, now), fromTimestamp(modified, now));
  }

  linkAt(): void {
    this.#directory();
    refuse('not-permitted');
  }

  symlinkAt(): void {
    this.#directory();
    refuse('not-permitted');
  }

  readlinkAt(): string {
    this.#directory();
    return refuse('not-permitted');
  }

  openAt(_flags: PathFlags, path: string, how: OpenFlags, flags: DescriptorFlags): Descriptor {
    const { names, isDirectory } = parsePath(path);
    const directory = this.#directory();
    const { around } = this.#open();
    const { create = false, exclusive = false, truncate = false } = how;
    const wantsDirectory = isDirectory || how.directory === true;
    if (create && wantsDirectory) refuse('invalid');
    if ((create || truncate || flags.write || flags.mutateDirectory) && !directory.writable) refuse('read-only');
    if (around.open >= maxDescriptors) refuse('insufficient-memory');
    const node = directory.open(names, { create, exclusive, truncate });
    if (wantsDirectory && !node.isDirectory) refuse('not-directory');
    if (!node.isDirectory)
      return Descriptor.of(node, { read: flags.read === true, write: flags.write === true }, around);
    if (flags.write || truncate) refuse('is-directory');
    return Descriptor.of(node, { read: true, mutateDirectory: node.writable }, around);
  }

  removeDirectoryAt(path: string): void {
    const { names } = parsePath(path);
    if (names.length === 0) refuse('invalid');
    this.#mutable().removeDirectory(names);
  }

  unlinkFileAt(path: string): void {
    const { names, isDirectory } = parsePath(path);
    if (names.length === 0) refuse('is-directory');
    if (isDirectory) refuse('not-directory');
    this.#mutable().removeFile(names);
  }

  renameAt(oldPath: string, newDescriptor: Descriptor, newPath: string): void {
    const from = parsePath(oldPath).names;
    const to = parsePath(newPath).names;
    if (from.length === 0 || to.length === 0) refuse('invalid');
    this.#mutable().rename(from, newDescriptor.#mutable(), to);
  }

  isSameObject(other: Descriptor): boolean {
    return this.#open().node.identify([]) === other.#open().node.identify([]);
  }

  metadataHash(): { lower: bigint; upper: bigint } {
    const { node } = this.#open();
    return hashOf(node.identify([]), node.stat([]));
  }

  metadataHashAt(flags: PathFlags, path: string): { lower: bigint; upper: bigint } {
    const { names } = parsePath(path);
    return hashOf(this.#directory().identify(names), this.#statAt(flags, path));
  }

  #statAt(flags: PathFlags, path: string): FileStat {
    const { names, isDirectory } = parsePath(path);
    const stat = this.#directory().stat(names);
    if (stat.type === 'symbolic-link' && flags.symlinkFollow) refuse('loop');
    if (isDirectory && stat.type !== 'directory') refuse('not-directory');
    return stat;
  }

  /** @throws TypeError for an object of another class, Error for a dropped one: either ends the guest */
  #open() {
    if (!this.#state) throw new Error('a descriptor that was dropped');
    return this.#state;
  }

  #directory(): FileNode {
    const { node } = this.#open();
    return node.isDirectory ? node : refuse('not-directory');
  }

  /** A writable directory. */
  #mutable(): FileNode {
    const node = this.#directory();
    return node.writable ? node : refuse('read-only');
  }

  #file() {
    const state = this.#open();
    return state.node.isDirectory ? refuse('is-directory') : state;
  }

  #readable() {
    const state = this.#file();
    return state.flags.read ? state : refuse('bad-descriptor');
  }

  #writableFile() {
    const state = this.#file();
    if (!state.node.writable) refuse('read-only');
    return state.flags.write ? state : refuse('bad-descriptor');
  }
}

/** An offset as an exact number; no file here is near its end. */
function toOffset(offset: bigint): number {
  return offset > BigInt(Number.MAX_SAFE_INTEGER - 2 ** 32) ? refuse('file-too-large') : Number(offset);
}

function toDescriptorStat({ type, size, links, accessed, modified, changed }: FileStat): DescriptorStat {
  return {
    type,
    linkCount: BigInt(links),
    size: BigInt(size),
    dataAccessTimestamp: toDatetime(accessed),
    dataModificationTimestamp: toDatetime(modified),
    statusChangeTimestamp: toDatetime(changed),
  };
}

/** WIT: changes when the file does, and reveals nothing about its parts. */
function hashOf(identity: string, { type, size, modified }: FileStat): { lower: bigint; upper: bigint } {
  const digest = createHash('sha256')
    .update(JSON.stringify([identity, type, size, modified]))
    .digest();
  return { lower: digest.readBigUInt64LE(0), upper: digest.readBigUInt64LE(8) };
}
