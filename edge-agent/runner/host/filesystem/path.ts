/**
 * Turns guests' paths into names. wasi:filesystem has relative paths only, and a path must not lead out of its
 * directory. `..` is resolved as text, which is exact because links are never followed.
 */
import { refuse } from './error-code.ts';

/** Names from the outside in. None is empty, `.`, `..`, or has a slash or a NUL. */
export type Names = readonly string[];

/** Limits.h of Linux: PATH_MAX and NAME_MAX, in bytes; the depth is ours. */
const pathBytes = 4_096;
const nameBytes = 255;
const maxDepth = 64;

/**
 * @returns the names, and whether the path must be a directory (it ends in `/`, `.` or `..`)
 * @throws FileErrorCode `invalid` for a NUL, `not-permitted` for a way out, `no-entry` for an empty path
 */
export function parsePath(path: string): { names: string[]; isDirectory: boolean } {
  if (path.length > pathBytes) refuse('name-too-long');
  if (path.includes('\0')) refuse('invalid');
  if (path === '') refuse('no-entry');
  if (path.startsWith('/')) refuse('not-permitted');
  const names: string[] = [];
  const parts = path.split('/');
  for (const part of parts) {
    if (part === '' || part === '.') continue;
    if (part !== '..') {
      if (Buffer.byteLength(part) > nameBytes) refuse('name-too-long');
      names.push(part);
    } else if (names.pop() === undefined) refuse('not-permitted');
  }
  if (names.length > maxDepth) refuse('name-too-long');
  return { names, isDirectory: ['', '.', '..'].includes(parts.at(-1) ?? '') };
}
