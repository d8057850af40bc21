/** What preparing makes of an upload: the bundle, and what is known of it. */
import type { World } from '@skerry/shared/function/bundle.ts';

export type Prepared = {
  /** SHA-256 of the upload. */
  componentDigest: string;
  /** SHA-256 of the bundle: its name everywhere. */
  bundleDigest: string;
  bundle: Uint8Array;
  world: World;
  /** WIT names of the imports, with version, in alphabetical order. */
  imports: string[];
  /** Bytes of the upload. */
  size: number;
  /** Linear memory that an instance starts with, in bytes, summed over its core modules. */
  initialMemoryBytes: number;
};
