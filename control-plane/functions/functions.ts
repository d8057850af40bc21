/**
 * Functions and their revisions: create, update, roll back, remove. Reads of the current state go to the catalog.
 *
 * Invariants: code is prepared before anything is stored, so a refused upload leaves nothing behind. A stored revision
 * never changes. An update that changes nothing makes no revision.
 */
import { isDeepStrictEqual } from 'node:util';
import { SkerryError } from '@skerry/shared/errors.ts';
import { computeDigest, type World } from '@skerry/shared/function/bundle.ts';
import type { Manifest } from '@skerry/shared/function/manifest.ts';
import type { FullCatalog } from '../catalog/catalog.ts';
import { type CatalogVersions, changeCatalog, Unchanged } from '../catalog/change.ts';
import {
  type CodeRow,
  type FunctionRow,
  findFunction,
  insertFunction,
  insertRevision,
  maxFunctions,
  moveFunction,
  type RevisionRow,
  readComponent,
  readRevision,
  removeFunction,
} from '../db/catalog/functions.ts';
import { violates } from '../db/errors.ts';
import type { Orm, Store } from '../db/store.ts';
import type { Prepared } from '../prepare/prepared.ts';
import type { Preparer } from '../prepare/preparer.ts';
import type { BundleReader } from './bundles.ts';
import { type PermissionDiff, permissionDiff } from './permissions.ts';

type NewFunction = {
  readonly module: string;
  readonly name: string;
  readonly code: Uint8Array;
  readonly manifest: Manifest;
  /** Name of the calling subject. */
  readonly createdBy: string;
};

type FunctionUpdate = {
  readonly module: string;
  readonly name: string;
  readonly newName: string;
  /** Absent: the code stays. */
  readonly code: Uint8Array | undefined;
  /** From the current manifest to the new one. */
  readonly manifest: (current: Manifest) => Manifest;
  readonly createdBy: string;
};

/** A function after a change. */
export type Deployed = {
  readonly id: string;
  readonly module: string;
  readonly name: string;
  readonly revision: number;
  /** Of the component. */
  readonly digest: string;
  readonly bundleDigest: string;
  readonly world: World;
  /** Bytes of the component. */
  readonly size: number;
  readonly imports: readonly string[];
  /** Against the previous current revision; a new function has everything added. */
  readonly permissions: PermissionDiff;
  /** Catalog version that contains it. */
  readonly version: number;
};

export type FunctionService = {
  /** @throws SkerryError not_found (module), conflict, component_rejected, prepare_busy, store_unavailable */
  create(request: NewFunction): Promise<Deployed>;
  /** @throws SkerryError as `create`; conflict also when the function was changed meanwhile */
  update(request: FunctionUpdate): Promise<Deployed>;
  /** Makes an older revision the current one again. @throws SkerryError not_found */
  rollback(module: string, name: string, revision: number): Promise<Deployed>;
  /** @throws SkerryError not_found */
  remove(module: string, name: string): Promise<void>;
};

type FunctionServiceOptions = {
  readonly store: Store;
  readonly catalog: Pick<FullCatalog, 'refresh' | 'hasModule' | 'find'>;
  readonly preparer: Pick<Preparer, 'prepare'>;
  readonly bundles: Pick<BundleReader, 'remember'>;
};

export function createFunctionService({ store, catalog, preparer, bundles }: FunctionServiceOptions): FunctionService {
  const change = async <T>(work: (orm: Orm, versions: CatalogVersions) => Promise<T | Unchanged<T>>): Promise<T> => {
    try {
      return await changeCatalog(store, catalog, work);
    } catch (cause) {
      if (!violates(cause, 'functions_module_name_unique')) throw cause;
      throw new SkerryError('conflict', 'There is a function of this name in the module already', { cause });
    }
  };

  const prepare = async (code: Uint8Array, manifest: Manifest): Promise<CodeRow> => {
    const prepared = await preparer.prepare(code, { memoryBytes: manifest.limits.memory_bytes });
    bundles.remember(prepared.bundleDigest, prepared.bundle);
    return codeOf(code, prepared);
  };

  return {
    async create({ module, name, code, manifest, createdBy }) {
      // Cheap and early; the check within the transaction below decides.
      if (!catalog.hasModule(module)) throw noModule(module);
      if (catalog.find(module, name)) throw taken(module, name);
      const row = await prepare(code, manifest);
      return change(async (orm, { next: version }) => {
        const fn = await insertFunction(orm, { module, name, since: version });
        if (fn === 'no_module') throw noModule(module);
        if (fn === 'too_many') throw new SkerryError('conflict', `There are ${maxFunctions} functions already`);
        await insertRevision(orm, fn, { number: 1, manifest, createdBy, code: row });
        return deployed(fn, row, 1, version, permissionDiff(undefined, { imports: row.imports, manifest }));
      });
    },

    async update({ module, name, newName, code, manifest: next, createdBy }) {
      const before = await store.read(async (orm) => {
        const { fn, revision } = await current(orm, module, name);
        const manifest = next(revision.manifest);
        const sameCode = code === undefined || computeDigest(code) === revision.component;
        const sameMemory = manifest.limits.memory_bytes === revision.manifest.limits.memory_bytes;
        const bytes = sameCode && sameMemory ? undefined : (code ?? (await readComponent(orm, revision.component)));
        return { fn, revision, manifest, bytes };
      });
      const { manifest, bytes } = before;
      const row = bytes && (await prepare(bytes, manifest));
      const sameRevision = !row && isDeepStrictEqual(manifest, before.revision.manifest);

      return change<Deployed>(async (orm, versions) => {
        const { fn, revision } = await current(orm, module, name);
        if (fn.id !== before.fn.id || revision.number !== before.revision.number) {
          throw new SkerryError('conflict', 'The function was changed meanwhile; look at it and try again');
        }
        const changed = permissionDiff(revision, { imports: (row ?? revision).imports, manifest });
        if (sameRevision && newName === name) {
          return new Unchanged(deployed(fn, revision, fn.revision, versions.current, changed));
        }
        const version = versions.next;
        const renamed = { ...fn, name: newName };
        if (sameRevision) {
          await moveFunction(orm, fn, { name: newName });
          return deployed(renamed, revision, fn.revision, version, changed);
        }
        const number = fn.lastRevision + 1;
        await insertRevision(orm, fn, { number, manifest, createdBy, code: row ?? revision });
        await moveFunction(orm, fn, { name: newName, revision: number, lastRevision: number, since: version });
        return deployed(renamed, row ?? revision, number, version, changed);
      });
    },

    rollback: (module, name, number) =>
      change<Deployed>(async (orm, versions) => {
        const { fn, revision: now } = await current(orm, module, name);
        if (fn.revision === number) {
          return new Unchanged(deployed(fn, now, number, versions.current, permissionDiff(now, now)));
        }
        const revision = await readRevision(orm, fn.id, number);
        if (!revision) throw new SkerryError('not_found', `There is no revision ${number} of "${name}"`);
        const version = versions.next;
        await moveFunction(orm, fn, { revision: number, since: version });
        return deployed(fn, revision, number, version, permissionDiff(now, revision));
      }),

    remove: (module, name) =>
      change(async (orm) => {
        if (!(await removeFunction(orm, module, name))) throw noFunction(module, name);
      }),
  };
}

async function current(
  orm: Orm,
  module: string,
  name: string,
): Promise<{ readonly fn: FunctionRow; readonly revision: RevisionRow }> {
  const fn = await findFunction(orm, module, name);
  const revision = fn && (await readRevision(orm, fn.id, fn.revision));
  if (!revision) throw noFunction(module, name);
  return { fn, revision };
}

function codeOf(bytes: Uint8Array, prepared: Prepared): CodeRow {
  return {
    component: prepared.componentDigest,
    bundle: prepared.bundleDigest,
    bytes: { component: bytes, bundle: prepared.bundle },
    world: prepared.world,
    imports: prepared.imports,
    size: prepared.size,
    initialMemoryBytes: prepared.initialMemoryBytes,
  };
}

function deployed(
  fn: Pick<FunctionRow, 'id' | 'module' | 'name'>,
  { component, bundle, world, size, imports }: CodeRow,
  revision: number,
  version: number,
  permissions: PermissionDiff,
): Deployed {
  const { id, module, name } = fn;
  const digests = { digest: component, bundleDigest: bundle };
  return { id, module, name, revision, ...digests, world, size, imports, permissions, version };
}

function noModule(module: string): SkerryError {
  return new SkerryError('not_found', `There is no module "${module}"`);
}

function noFunction(module: string, name: string): SkerryError {
  return new SkerryError('not_found', `There is no function "${name}" in module "${module}"`);
}

function taken(module: string, name: string): SkerryError {
  return new SkerryError('conflict', `There is a function "${name}" in module "${module}" already`);
}
