/**
 * PGlite in the data directory: for trying out, development and small installations. It has one connection, so a
 * transaction keeps all others waiting; and it does not fsync, so a power cut may cost the last changes.
 */
import { PGlite } from '@electric-sql/pglite';
import { drizzle } from 'drizzle-orm/pglite';
import { migrate } from 'drizzle-orm/pglite/migrator';
import { makeDirectory } from './directory.ts';
import { lockDirectory } from './lock.ts';
import type { Driver } from './store.ts';

/** @param directory is made when absent. @throws DirectoryInUse */
export async function openPglite(directory: string): Promise<Driver> {
  await makeDirectory(directory, 0o700);
  const unlock = lockDirectory(directory);
  try {
    const client = await PGlite.create(`${directory}/pglite`);
    const orm = drizzle({ client });
    return {
      lease: async () => ({
        orm,
        migrate: (migrationsFolder) => migrate(orm, { migrationsFolder }),
        release: () => {},
      }),
      async close() {
        await client.close();
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}
