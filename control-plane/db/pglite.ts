/**
 * PGlite in the data directory: for trying out, development and small installations. It has one connection, so a
 * transaction blocks all others. It does not fsync, so a power cut may lose the last changes.
 */
import { PGlite, types } from '@electric-sql/pglite';
import { drizzle } from 'drizzle-orm/pglite';
import { migrate } from 'drizzle-orm/pglite/migrator';
import { makeDirectory } from './directory.ts';
import { lockDirectory } from './lock.ts';
import type { DatabaseRow, Driver } from './store.ts';

/** @param directory is created when absent. @throws DirectoryInUse */
export async function openPglite(directory: string): Promise<Driver> {
  await makeDirectory(directory, 0o700);
  const unlock = lockDirectory(directory);
  try {
    const client = await PGlite.create(`${directory}/pglite`, { serializers: { [types.BYTEA]: hexOf } });
    const orm = drizzle({ client });
    return {
      lease: async () => ({
        orm,
        migrate: (migrationsFolder) => migrate(orm, { migrationsFolder }),
        execute: (text, values) => execute(client, text, values),
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

/**
 * A script uses the simple protocol, a statement with values the extended one, as with `pg`. There is one session only:
 * a script that failed within its own transaction is rolled back, or everything after it would fail as well.
 */
async function execute(client: PGlite, text: string, values: readonly unknown[] | undefined): Promise<DatabaseRow[]> {
  if (values && values.length > 0) return (await client.query<DatabaseRow>(text, [...values])).rows;
  try {
    return (await client.exec(text)).flatMap(({ rows }) => rows as DatabaseRow[]);
  } catch (error) {
    await client.exec('rollback').catch(() => undefined);
    throw error;
  }
}

/** PGlite's own encoding goes byte by byte in JavaScript, and takes as long as storing the bytes does. */
function hexOf(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
}
