/**
 * Files in memory, for one instance and gone with it.
 *
 * Invariants: all files of one scratch together have at most `scratchBytes`, and it has at most `scratchEntries`
 * entries; one more of either is `insufficient-space`. A removed file exists, and counts, while a descriptor is open on
 * it. The memory behind is at most twice `scratchBytes`, since buffers grow ahead.
 */
import { refuse } from './error-code.ts';
import { type DirectoryEntry, type FileNode, type FileStat, maxTransferBytes, type OpenOptions } from './node.ts';
import type { Names } from './path.ts';

/** Bytes of all files of one scratch, and entries of all its directories. */
const scratchBytes = 16 * 1024 * 1024;
const scratchEntries = 4_096;

/** The shared state of all nodes of one scratch. */
type Share = { bytes: number; entries: number; nextId: number; readonly now: () => bigint };

const nothing = new Uint8Array(0);

/** An empty directory. @param now nanoseconds since the epoch */
export function createScratch(now: () => bigint): FileNode {
  return new ScratchNode({ bytes: 0, entries: 0, nextId: 0, now }, true);
}

class ScratchNode implements FileNode {
  readonly isDirectory: boolean;
  readonly writable = true;
  readonly #id: number;
  readonly #share: Share;
  readonly #entries = new Map<string, ScratchNode>();
  #content: Uint8Array = nothing;
  #size = 0;
  #accessed: bigint;
  #modified: bigint;
  #changed: bigint;
  #removed = false;
  #holders = 0;

  constructor(share: Share, isDirectory: boolean) {
    this.#share = share;
    this.isDirectory = isDirectory;
    this.#id = share.nextId++;
    this.#accessed = this.#modified = this.#changed = share.now();
  }

  identify(names: Names): string {
    return `scratch ${this.#find(names).#id}`;
  }

  stat(names: Names): FileStat {
    const node = this.#find(names);
    return {
      type: node.isDirectory ? 'directory' : 'regular-file',
      size: node.#size,
      links: node.#removed ? 0 : 1,
      accessed: String(node.#accessed),
      modified: String(node.#modified),
      changed: String(node.#changed),
    };
  }

  list(): readonly DirectoryEntry[] {
    if (!this.isDirectory) refuse('not-directory');
    return Array.from(this.#entries, ([name, node]) => ({
      name,
      type: node.isDirectory ? 'directory' : 'regular-file',
    }));
  }

  open(names: Names, { create, exclusive, truncate }: OpenOptions): FileNode {
    if (names.length === 0) return create && exclusive ? refuse('exist') : this;
    const { parent, name } = this.#findParent(names);
    const found = parent.#entries.get(name);
    if (!found) return create ? parent.#add(name, false) : refuse('no-entry');
    if (create && exclusive) refuse('exist');
    if (truncate) found.truncate(0);
    return found;
  }

  makeDirectory(names: Names): void {
    const { parent, name } = this.#findParent(names);
    if (parent.#entries.has(name)) refuse('exist');
    parent.#add(name, true);
  }

  removeDirectory(names: Names): void {
    const { parent, name } = this.#findParent(names);
    const node = parent.#entries.get(name) ?? refuse('no-entry');
    if (!node.isDirectory) refuse('not-directory');
    if (node.#entries.size > 0) refuse('not-empty');
    parent.#drop(name, node);
  }

  removeFile(names: Names): void {
    const { parent, name } = this.#findParent(names);
    const node = parent.#entries.get(name) ?? refuse('no-entry');
    if (node.isDirectory) refuse('is-directory');
    parent.#drop(name, node);
  }

  rename(names: Names, to: FileNode, toNames: Names): void {
    if (!(to instanceof ScratchNode) || to.#share !== this.#share) refuse('cross-device');
    const from = this.#findParent(names);
    const node = from.parent.#entries.get(from.name) ?? refuse('no-entry');
    const target = to.#findParent(toNames);
    if (target.parent.#removed) refuse('no-entry');
    if (node.#holds(target.parent)) refuse('invalid');
    const replaced = target.parent.#entries.get(target.name);
    if (replaced === node) return;
    if (replaced) {
      if (replaced.isDirectory && !node.isDirectory) refuse('is-directory');
      if (!replaced.isDirectory && node.isDirectory) refuse('not-directory');
      if (replaced.#entries.size > 0) refuse('not-empty');
      target.parent.#drop(target.name, replaced);
    }
    from.parent.#entries.delete(from.name);
    target.parent.#entries.set(target.name, node);
    from.parent.#touch();
    target.parent.#touch();
  }

  setTimes(names: Names, accessed: bigint | undefined, modified: bigint | undefined): void {
    const node = this.#find(names);
    node.#accessed = accessed ?? node.#accessed;
    node.#modified = modified ?? node.#modified;
    node.#changed = node.#share.now();
  }

  read(offset: number, length: number): Uint8Array {
    if (this.isDirectory) refuse('is-directory');
    const end = Math.min(this.#size, offset + Math.min(length, maxTransferBytes));
    return offset >= end ? nothing : this.#content.slice(offset, end);
  }

  write(offset: number | undefined, bytes: Uint8Array): number {
    if (this.isDirectory) refuse('is-directory');
    const part = bytes.subarray(0, maxTransferBytes);
    const start = offset ?? this.#size;
    if (part.byteLength > 0) {
      this.#reach(start + part.byteLength);
      this.#content.set(part, start);
    }
    this.#touch();
    return part.byteLength;
  }

  truncate(size: number): void {
    if (this.isDirectory) refuse('is-directory');
    if (size > this.#size) this.#reach(size);
    else {
      this.#share.bytes -= this.#size - size;
      this.#content = this.#content.slice(0, size);
      this.#size = size;
    }
    this.#touch();
  }

  sync(): void {}

  hold(): void {
    this.#holders += 1;
  }

  release(): void {
    this.#holders -= 1;
    this.#freeUnused();
  }

  /** A file that cannot be opened any longer takes no room. */
  #freeUnused(): void {
    if (!this.#removed || this.#holders > 0) return;
    this.#share.bytes -= this.#size;
    this.#size = 0;
    this.#content = nothing;
  }

  #touch(): void {
    this.#modified = this.#changed = this.#share.now();
  }

  /** Makes the file at least this long; new bytes are zero. The buffer is doubled, so that appending stays cheap. */
  #reach(size: number): void {
    if (size <= this.#size) return;
    // A stream may outlive the last descriptor.
    if (this.#removed && this.#holders === 0) refuse('bad-descriptor');
    if (this.#share.bytes + size - this.#size > scratchBytes) refuse('insufficient-space');
    if (size > this.#content.byteLength) {
      const larger = new Uint8Array(Math.min(scratchBytes, Math.max(size, 2 * this.#content.byteLength)));
      larger.set(this.#content);
      this.#content = larger;
    }
    this.#share.bytes += size - this.#size;
    this.#size = size;
  }

  #add(name: string, isDirectory: boolean): ScratchNode {
    if (this.#removed) refuse('no-entry');
    if (this.#share.entries >= scratchEntries) refuse('insufficient-space');
    const node = new ScratchNode(this.#share, isDirectory);
    this.#share.entries += 1;
    this.#entries.set(name, node);
    this.#touch();
    return node;
  }

  #drop(name: string, node: ScratchNode): void {
    this.#entries.delete(name);
    this.#touch();
    node.#removed = true;
    this.#share.entries -= 1;
    node.#freeUnused();
  }

  #find(names: Names): ScratchNode {
    let node: ScratchNode = this;
    for (const name of names) {
      if (!node.isDirectory) refuse('not-directory');
      node = node.#entries.get(name) ?? refuse('no-entry');
    }
    return node;
  }

  #findParent(names: Names): { parent: ScratchNode; name: string } {
    const name = names.at(-1) ?? refuse('invalid');
    const parent = this.#find(names.slice(0, -1));
    return parent.isDirectory ? { parent, name } : refuse('not-directory');
  }

  /** True when the other is this directory or inside of it. */
  #holds(other: ScratchNode): boolean {
    return this === other || this.#entries.values().some((node) => node.#holds(other));
  }
}
