/** Reads revisions: the list of a function's, and the component of one. */
import { SkerryError } from '@skerry/shared/errors.ts';
import { findFunction, type RevisionRow, readComponent, readRevision, readRevisions } from '../db/catalog/functions.ts';
import type { Store } from '../db/store.ts';

export type RevisionService = {
  /** Newest first, with the number of the current one. @throws SkerryError not_found, store_unavailable */
  list(module: string, name: string): Promise<{ readonly current: number; readonly revisions: readonly RevisionRow[] }>;
  /** The component as uploaded; of the current revision when no number is given. */
  code(module: string, name: string, number?: number): Promise<{ readonly digest: string; readonly bytes: Uint8Array }>;
};

export function createRevisionService(store: Store): RevisionService {
  return {
    list: (module, name) =>
      store.read(async (orm) => {
        const fn = await findFunction(orm, module, name);
        if (!fn) throw new SkerryError('not_found', `There is no function "${name}" in module "${module}"`);
        return { current: fn.revision, revisions: await readRevisions(orm, fn.id) };
      }),
    code: (module, name, number) =>
      store.read(async (orm) => {
        const fn = await findFunction(orm, module, name);
        const revision = fn && (await readRevision(orm, fn.id, number ?? fn.revision));
        if (!revision) throw new SkerryError('not_found', `There is no such revision of "${name}"`);
        return { digest: revision.component, bytes: await readComponent(orm, revision.component) };
      }),
  };
}
