/**
 * wasi:filesystem for one instance: the granted directories of its revision, and a scratch in memory at `/`.
 *
 * At `/`, because programs of preview1 take the directory with the longest matching name. So a relative path, `/tmp`
 * and every other path leads to the scratch, except paths into a granted directory. When `/` itself is granted, the
 * scratch is at `/tmp`; when that is granted as well, there is none.
 */
import type { CallChannel } from '../../protocol/channel.ts';
import type { IoError } from '../io/io-error.ts';
import { Descriptor, type DirectoryContext } from './descriptor.ts';
import { DirectoryEntryStream } from './directory-entry-stream.ts';
import { codeOfFailure } from './file-streams.ts';
import { GrantedNode } from './granted.ts';
import type { FileNode } from './node.ts';
import { createScratch } from './scratch.ts';

/** The same for all instances. */
const types = {
  Descriptor,
  DirectoryEntryStream,
  filesystemErrorCode: (error: IoError) => codeOfFailure(error.toDebugString()),
};

const wallClock = (): bigint => BigInt(Date.now()) * 1_000_000n;

/**
 * @param current channel of the call that the instance is running
 * @param directories in the manifest's order, by which the agent knows them
 * @param now nanoseconds since the epoch
 */
export function createFilesystem(
  current: () => CallChannel,
  directories: readonly { readonly guest: string; readonly mode: 'ro' | 'rw' }[],
  now: () => bigint = wallClock,
): Record<string, object> {
  let scratch: FileNode | undefined;
  const around: DirectoryContext = { current, now, open: 0 };
  const granted = new Set(directories.map(({ guest }) => guest));
  const scratchPath = ['/', '/tmp'].find((path) => !granted.has(path));

  const preopen = (node: FileNode, path: string): [Descriptor, string] => [
    Descriptor.of(node, { read: true, mutateDirectory: node.writable }, around),
    path,
  ];
  const openScratch = (path: string): FileNode => {
    scratch ??= createScratch(now);
    if (path === '/' && !scratch.list().some(({ name }) => name === 'tmp')) scratch.makeDirectory(['tmp']);
    return scratch;
  };

  return {
    'wasi:filesystem/types': types,
    'wasi:filesystem/preopens': {
      getDirectories: (): [Descriptor, string][] => [
        ...(scratchPath === undefined ? [] : [preopen(openScratch(scratchPath), scratchPath)]),
        ...directories.map(({ guest, mode }, grant) => preopen(new GrantedNode(current, grant, mode === 'rw'), guest)),
      ],
    },
  };
}
