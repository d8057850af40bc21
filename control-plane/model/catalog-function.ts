/** A function in the catalog. */
import type { World } from '@skerry/shared/function/bundle.ts';
import type { Manifest } from '@skerry/shared/function/manifest.ts';
import type { Sink } from '@skerry/shared/function/sinks.ts';
import type { Trigger } from '@skerry/shared/function/triggers.ts';

/** A trigger or a sink, which belongs to a function beside its revisions. */
export type Binding<Spec extends Trigger | Sink> = {
  readonly id: string;
  /** Without credentials. */
  readonly spec: Spec;
  /** The binding's credentials, sealed; see secrets/credentials.ts. */
  readonly sealed: Uint8Array | undefined;
  readonly createdAt: Date;
};

/** A function with its current revision. */
export type CatalogFunction = {
  readonly id: string;
  readonly module: string;
  readonly name: string;
  /** Number of the current revision. */
  readonly revision: number;
  /** Digest of the bundle. */
  readonly bundle: string;
  readonly world: World;
  readonly manifest: Manifest;
  /** Bytes that the scheduler reserves for one invocation. */
  readonly capacityBytes: number;
  /** Catalog version at which the current revision came in. */
  readonly since: number;
  /** Oldest first, like the sinks. */
  readonly triggers: readonly Binding<Trigger>[];
  readonly sinks: readonly Binding<Sink>[];
};

/** Further facts about the current revision, for reading back. */
export type RevisionFacts = {
  /** Digest of the component. */
  readonly digest: string;
  /** Bytes of the component. */
  readonly size: number;
  readonly imports: readonly string[];
  readonly createdAt: Date;
  readonly createdBy: string;
};
