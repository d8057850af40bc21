/**
 * A granted directory of the device. The runner's process has no right to any file: each operation is a request to the
 * agent, which checks all of it again (capabilities/files/directories.ts).
 *
 * A node is a path below the grant, not an open file: after a rename or removal it is another file, or none.
 */
import type { DirectoryRequest } from '../../protocol/capability-requests.ts';
import type { CallChannel } from '../../protocol/channel.ts';
import { refuse, toErrorCode } from './error-code.ts';
import { type DirectoryEntry, type FileNode, type FileStat, maxTransferBytes } from './node.ts';
import type { Names } from './path.ts';

/** The part of a request that names the operation. */
type Operation<A = DirectoryRequest> = A extends DirectoryRequest ? Omit<A, 'do' | 'grant' | 'path'> : never;

/** Every operation throws the agent's error, and the errors of `askNow` when there is no agent. */
export class GrantedNode implements FileNode {
  readonly isDirectory: boolean;
  readonly writable: boolean;
  readonly #current: () => CallChannel;
  readonly #grant: number;
  readonly #path: Names;

  /** @param grant index of the directory in the manifest's list */
  constructor(current: () => CallChannel, grant: number, writable: boolean, path: Names = [], isDirectory = true) {
    this.#current = current;
    this.#grant = grant;
    this.#path = path;
    this.writable = writable;
    this.isDirectory = isDirectory;
  }

  identify(names: Names): string {
    return JSON.stringify([this.#grant, ...this.#path, ...names]);
  }

  stat(names: Names): FileStat {
    return this.#ask(names, { op: 'stat' }).value as FileStat;
  }

  list(): readonly DirectoryEntry[] {
    return this.#ask([], { op: 'list' }).value as DirectoryEntry[];
  }

  open(names: Names, options: { create: boolean; exclusive: boolean; truncate: boolean }): FileNode {
    const { type } = this.#ask(names, { op: 'open', ...options }).value as FileStat;
    return new GrantedNode(this.#current, this.#grant, this.writable, [...this.#path, ...names], type === 'directory');
  }

  makeDirectory(names: Names): void {
    this.#ask(names, { op: 'make' });
  }

  removeDirectory(names: Names): void {
    this.#ask(names, { op: 'remove-directory' });
  }

  removeFile(names: Names): void {
    this.#ask(names, { op: 'remove-file' });
  }

  rename(names: Names, to: FileNode, toNames: Names): void {
    if (!(to instanceof GrantedNode) || to.#grant !== this.#grant) refuse('cross-device');
    this.#ask(names, { op: 'rename', to: [...to.#path, ...toNames] });
  }

  setTimes(names: Names, accessed: bigint | undefined, modified: bigint | undefined): void {
    this.#ask(names, { op: 'times', accessed: accessed?.toString() ?? null, modified: modified?.toString() ?? null });
  }

  read(offset: number, length: number): Uint8Array {
    return this.#ask([], { op: 'read', offset, length: Math.min(length, maxTransferBytes) }).bytes;
  }

  write(offset: number | undefined, bytes: Uint8Array): number {
    const part = bytes.subarray(0, maxTransferBytes);
    this.#ask([], { op: 'write', offset: offset ?? null }, part);
    return part.byteLength;
  }

  truncate(size: number): void {
    this.#ask([], { op: 'truncate', size });
  }

  sync(): void {
    this.#ask([], { op: 'sync' });
  }

  hold(): void {}

  release(): void {}

  #ask(names: Names, operation: Operation, bytes?: Uint8Array): { value: unknown; bytes: Uint8Array } {
    const ask = {
      do: 'directory',
      grant: this.#grant,
      path: [...this.#path, ...names],
      ...operation,
    } as DirectoryRequest;
    const { reply, bytes: answer } = this.#current().askNow(ask, bytes);
    if (reply.error !== undefined) refuse(toErrorCode(reply.error));
    return { value: reply.value, bytes: answer };
  }
}
