/** Named values for credentials of triggers and sinks. They can be set and used, but never read back. */
import { SkerryError } from '@skerry/shared/errors.ts';
import type { FullCatalog } from '../catalog/catalog.ts';
import { changeCatalog } from '../catalog/change.ts';
import { countSecrets, putSecret, readSecretFacts, readSpecs, removeSecret } from '../db/catalog/secrets.ts';
import { sinks, triggers } from '../db/schema/events.ts';
import type { Orm, Store } from '../db/store.ts';
import { listSecrets, secretPurpose } from './credentials.ts';
import type { Sealing } from './sealing.ts';

/** Longest secret in characters: a private key in PEM fits. */
export const maxSecretCharacters = 65_536;
/** Most secrets: each control plane holds all of them in memory, sealed. */
const maxSecrets = 1_000;

type SecretFacts = { readonly name: string; readonly createdAt: Date; readonly updatedAt: Date };

export type SecretService = {
  /** Sets a secret; bindings that use it reconnect. @throws SkerryError conflict when there are too many */
  set(name: string, value: string): Promise<void>;
  /** In order of their names. */
  list(): Promise<SecretFacts[]>;
  /** @throws SkerryError not_found, conflict when a trigger or a sink uses it */
  remove(name: string): Promise<void>;
};

type SecretOptions = {
  readonly store: Store;
  readonly catalog: Pick<FullCatalog, 'refresh'>;
  readonly sealing: Sealing;
};

export function createSecretService({ store, catalog, sealing }: SecretOptions): SecretService {
  const change = (work: (orm: Orm) => Promise<void>): Promise<void> => changeCatalog(store, catalog, work);

  return {
    set: (name, value) =>
      change(async (orm) => {
        await putSecret(orm, name, sealing.seal(value, secretPurpose(name)));
        if ((await countSecrets(orm)) > maxSecrets) {
          throw new SkerryError('conflict', `There are ${maxSecrets} secrets already`);
        }
      }),
    list: () => store.read(readSecretFacts),
    remove: (name) =>
      change(async (orm) => {
        const user = await findUser(orm, name);
        if (user) throw new SkerryError('conflict', `The secret is used by ${user}`);
        if (!(await removeSecret(orm, name))) throw new SkerryError('not_found', `There is no secret "${name}"`);
      }),
  };
}

/**
 * Describes a trigger or a sink that names the secret. It reads the tables, including rows that do not fit their
 * schema, since a catalog in memory may not know yet what another control plane has made. The caller holds the catalog
 * version.
 */
async function findUser(orm: Orm, secret: string): Promise<string | undefined> {
  for (const table of [triggers, sinks]) {
    const rows = await readSpecs(orm, table);
    const user = rows.find(({ spec }) => listSecrets(spec).includes(secret));
    if (user) return `a ${user.spec.type} of ${user.module}/${user.name}`;
  }
  return undefined;
}
