/** FunLess's `metadata` of a function, written into the manifest that Skerry keeps. */
import type { Manifest } from '@skerry/shared/function/manifest.ts';

export type FunctionMetadata = {
  readonly tag?: string | undefined;
  /** KB of memory that one invocation needs; -1: nothing said. */
  readonly capacity?: number | undefined;
};

/** What the metadata does not say stays as it is. */
export function withMetadata(manifest: Manifest, { tag, capacity }: FunctionMetadata): Manifest {
  const { capacity_bytes, ...rest } = manifest;
  const bytes = capacity === undefined ? capacity_bytes : capacity === -1 ? undefined : capacity * 1024;
  return { ...rest, tag: tag ?? rest.tag, ...(bytes !== undefined && { capacity_bytes: bytes }) };
}
