/** FunLess's `metadata` of a function, stored in Skerry's manifest. */
import type { Manifest } from '@skerry/shared/function/manifest.ts';

export type FunctionMetadata = {
  readonly tag?: string | undefined;
  /** KB of memory that one invocation needs; -1: unspecified. */
  readonly capacity?: number | undefined;
};

/** Values that the metadata leaves out stay unchanged. */
export function withMetadata(manifest: Manifest, { tag, capacity }: FunctionMetadata): Manifest {
  const { capacity_bytes, ...rest } = manifest;
  const bytes = capacity === undefined ? capacity_bytes : capacity === -1 ? undefined : capacity * 1024;
  return { ...rest, tag: tag ?? rest.tag, ...(bytes !== undefined && { capacity_bytes: bytes }) };
}
