/**
 * The catalog version in the database. Only catalog/change.ts locks and raises it, so that no change can forget to. The
 * one exception is the seed of the first admin (access/admin-token.ts), which runs before the catalog is open.
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
