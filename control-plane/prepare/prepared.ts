/** The result of preparing an upload: the bundle and its properties. */
import type { World } from '@skerry/shared/function/bundle.ts';

export type Prepared = {
  /** SHA-256 of the upload. */
  componentDigest: string;
  /** SHA-256 of the bundle, which is its name everywhere. */
  bundleDigest: string;
  bundle: Uint8Array;
  world: World;
  /** WIT names of the imports with their versions, in alphabetical order. */
  imports: string[];
  /** Size of the upload, in bytes. */
  size: number;
  /** Initial linear memory of an instance, in bytes, summed over its core modules. */
  initialMemoryBytes: number;
};
