/**
 * The catalog version in the database. A change of the catalog holds its row first, so that changes come one after
 * another, and a reader that sees a version sees all of its changes.
 */
import { eq, sql } from 'drizzle-orm';
import { catalogVersion } from '../schema/catalog.ts';
import type { Orm } from '../store.ts';

export async function readVersion(orm: Orm): Promise<number> {
  const [row] = await orm.select().from(catalogVersion);
  return row?.version ?? 0;
}

/** Holds the version until the transaction ends, and returns it. */
export async function lockVersion(orm: Orm): Promise<number> {
  const [row] = await orm.select().from(catalogVersion).for('update');
  return row?.version ?? 0;
}

/** Raises the version, and returns the new one. */
export async function raiseVersion(orm: Orm): Promise<number> {
  const [row] = await orm
    .update(catalogVersion)
    .set({ version: sql`${catalogVersion.version} + 1` })
    .where(eq(catalogVersion.id, 1))
    .returning();
  return row?.version ?? 0;
}
