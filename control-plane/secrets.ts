/** Named values for credentials of triggers and sinks. They go in and are used; nobody gets them out again. */
import { SkerryError } from '@skerry/shared/errors.ts';
import { asc, eq, sql } from 'drizzle-orm';
import type { Directory } from './catalog.ts';
import { secretPurpose, secretsOf } from './credentials.ts';
import { secrets } from './db/events-schema.ts';
import type { Orm, Store } from './db/store.ts';
import { lockVersion, raiseVersion } from './db/version.ts';
import type { Sealing } from './sealing.ts';

/** Characters of a secret at most: a private key in PEM fits. */
export const maxSecretCharacters = 65_536;
/** Secrets at most: all of them are in the memory of each control plane, sealed. */
const maxSecrets = 1_000;

export type SecretFacts = { readonly name: string; readonly createdAt: Date; readonly updatedAt: Date };

export type SecretService = {
  /** Makes or replaces it; what uses it connects anew. @throws SkerryError conflict when there are too many */
  set(name: string, value: string): Promise<void>;
  /** In order of their names. */
  list(): Promise<SecretFacts[]>;
  /** @throws SkerryError not_found, conflict when a trigger or a sink uses it */
  remove(name: string): Promise<void>;
};

export type SecretOptions = {
  readonly store: Store;
  readonly catalog: Pick<Directory, 'refresh' | 'functions'>;
  readonly sealing: Sealing;
};

export function createSecretService({ store, catalog, sealing }: SecretOptions): SecretService {
  const change = async (work: (orm: Orm) => Promise<void>) => {
    await store.change(async (orm) => {
      await lockVersion(orm);
      await work(orm);
      await raiseVersion(orm);
    });
    await catalog.refresh();
  };

  return {
    set: (name, value) =>
      change(async (orm) => {
        const sealed = sealing.seal(value, secretPurpose(name));
        await orm
          .insert(secrets)
          .values({ name, sealed })
          .onConflictDoUpdate({ target: secrets.name, set: { sealed, updatedAt: sql`now()` } });
        if ((await orm.$count(secrets)) > maxSecrets) {
          throw new SkerryError('conflict', `There are ${maxSecrets} secrets already`);
        }
      }),
    list: () =>
      store.read((orm) =>
        orm
          .select({ name: secrets.name, createdAt: secrets.createdAt, updatedAt: secrets.updatedAt })
          .from(secrets)
          .orderBy(asc(secrets.name)),
      ),
    async remove(name) {
      for (const fn of catalog.functions()) {
        const user = [...fn.triggers, ...fn.sinks].find(({ spec }) => secretsOf(spec).includes(name));
        if (user)
          throw new SkerryError('conflict', `The secret is used by a ${user.spec.type} of ${fn.module}/${fn.name}`);
      }
      await change(async (orm) => {
        const removed = await orm.delete(secrets).where(eq(secrets.name, name)).returning({ name: secrets.name });
        if (removed.length === 0) throw new SkerryError('not_found', `There is no secret "${name}"`);
      });
    },
  };
}
