/**
 * The one way to change the catalog.
 *
 * Invariant: a change of the catalog and the raise of its version are one transaction, which holds the version's row
 * from its beginning. So changes come one after another, and a reader that sees a version sees all that belongs to it.
 * A change that does not raise the version is not seen by control planes and agents.
 */
import { lockVersion, raiseVersion } from '../db/catalog/version.ts';
import type { Orm, Store } from '../db/store.ts';
import type { Catalog } from './catalog.ts';

export type CatalogVersions = {
  /** The version before the change. */
  readonly current: number;
  /** The version that contains the change. */
  readonly next: number;
};

/** The result of work that found nothing to change. The version stays. */
export class Unchanged<T> {
  readonly value: T;

  constructor(value: T) {
    this.value = value;
  }
}

/**
 * Runs `work` in a transaction that holds the catalog's version, raises the version unless the result is `Unchanged`,
 * and then refreshes the catalog in memory. When `work` rejects, nothing of it stays.
 * @throws SkerryError store_unavailable, and the errors of `work`
 */
export async function changeCatalog<T>(
  store: Pick<Store, 'change'>,
  catalog: Pick<Catalog, 'refresh'>,
  work: (orm: Orm, versions: CatalogVersions) => Promise<T | Unchanged<T>>,
): Promise<T> {
  const result = await store.change(async (orm) => {
    const current = await lockVersion(orm);
    const done = await work(orm, { current, next: current + 1 });
    if (done instanceof Unchanged) return done.value;
    await raiseVersion(orm);
    return done;
  });
  await catalog.refresh();
  return result;
}
