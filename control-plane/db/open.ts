/** Opens the database of the settings, migrates its tables, and seeds it. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultModule } from '@skerry/shared/function/names.ts';
import { sql } from 'drizzle-orm';
import type { Logger } from '../log/log.ts';
import { storeError } from './errors.ts';
import { catalogVersion, modules } from './schema/catalog.ts';
import { createStore, type Driver, type Orm, type Store } from './store.ts';

/** Selects the database; see the settings DATABASE_URL, DATABASE_DRIVER and NEON_WS_PROXY. */
export type DatabaseSettings =
  | { readonly driver: 'pglite'; readonly directory: string }
  | { readonly driver: 'pg'; readonly url: string }
  | { readonly driver: 'neon'; readonly url: string; readonly proxy: string | undefined };

const migrations = join(fileURLToPath(new URL('.', import.meta.url)), 'migrations');

/** Key of the advisory lock under which migrations run: "skerry" in ASCII. */
const migrationLock = 0x736b_6572_7279;

/**
 * @param seed further rows for an empty database, inserted under the same lock as the migrations, so that of two
 *   processes that start at once the second finds the rows of the first
 * @throws SkerryError store_unavailable; DirectoryInUse
 */
export async function openStore(
  settings: DatabaseSettings,
  log: Logger,
  seed: (orm: Orm) => Promise<void>,
): Promise<Store> {
  const driver = await openDriver(settings, log);
  const store = createStore(driver);
  try {
    await prepare(driver, seed);
    return store;
  } catch (error) {
    await store.close();
    throw storeError(error, 'query');
  }
}

async function prepare(driver: Driver, seed: (orm: Orm) => Promise<void>): Promise<void> {
  const lease = await driver.lease().catch((error: unknown) => {
    throw storeError(error, 'connecting');
  });
  try {
    await lease.orm.execute(sql`select pg_advisory_lock(${migrationLock})`);
    await lease.migrate(migrations);
    await lease.orm.transaction(async (orm) => {
      await orm.insert(catalogVersion).values({ id: 1, version: 1 }).onConflictDoNothing();
      await orm.insert(modules).values({ name: defaultModule }).onConflictDoNothing();
      await seed(orm);
    });
    await lease.orm.execute(sql`select pg_advisory_unlock(${migrationLock})`);
    lease.release();
  } catch (error) {
    // Closing the connection also releases the lock.
    lease.release(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

/** Loads the one driver that is used. */
async function openDriver(settings: DatabaseSettings, log: Logger): Promise<Driver> {
  const onError = (error: Error) => log.warn({ error: error.message }, 'a database connection broke');
  switch (settings.driver) {
    case 'pglite': {
      const { openPglite } = await import('./pglite.ts');
      return openPglite(settings.directory);
    }
    case 'pg': {
      const { openPostgres } = await import('./postgres.ts');
      return openPostgres(settings.url, onError);
    }
    case 'neon': {
      const { openNeon } = await import('./neon.ts');
      return openNeon({ connectionString: settings.url, proxy: settings.proxy }, onError);
    }
  }
}
