/** Modules: namespaces of functions. Reads go to the catalog, so that they work while the database is away. */
import { SkerryError } from '@skerry/shared/errors.ts';
import { defaultModule } from '@skerry/shared/function/names.ts';
import type { FullCatalog } from '../catalog/catalog.ts';
import { changeCatalog } from '../catalog/change.ts';
import { insertModule, removeModule, renameModule } from '../db/catalog/modules.ts';
import { violates } from '../db/errors.ts';
import { isName } from '../db/ids.ts';
import type { Orm, Store } from '../db/store.ts';

export type ModuleService = {
  /** @throws SkerryError conflict when the name is taken */
  create(name: string): Promise<void>;
  /** Its functions stay unchanged under the new name. @throws SkerryError not_found, conflict, bad_request */
  rename(name: string, newName: string): Promise<void>;
  /** Removes it with all its functions. @throws SkerryError not_found; bad_request for the default module */
  remove(name: string): Promise<void>;
};

export function createModuleService(store: Store, catalog: Pick<FullCatalog, 'refresh'>): ModuleService {
  const change = async (newName: string | undefined, work: (orm: Orm) => Promise<void>) => {
    try {
      await changeCatalog(store, catalog, work);
    } catch (cause) {
      if (!violates(cause, 'modules_name_unique')) throw cause;
      throw new SkerryError('conflict', `There is a module "${newName}" already`, {
        cause,
        fields: { name: ['has already been taken'] },
      });
    }
  };
  const mayChange = (name: string, what: string) => {
    if (!isName(name)) throw missing(name);
    if (name === defaultModule) throw new SkerryError('bad_request', `The default module cannot be ${what}`);
  };

  return {
    create: (name) => change(name, (orm) => insertModule(orm, name)),
    async rename(name, newName) {
      mayChange(name, 'renamed');
      await change(newName, async (orm) => {
        if (!(await renameModule(orm, name, newName))) throw missing(name);
      });
    },
    async remove(name) {
      mayChange(name, 'deleted');
      await change(undefined, async (orm) => {
        if (!(await removeModule(orm, name))) throw missing(name);
      });
    },
  };
}

function missing(name: string): SkerryError {
  return new SkerryError('not_found', `There is no module "${name}"`);
}
