/**
 * Deletes code that no revision refers to. The caller holds the catalog version, so that no other process adds one now.
 */
import { sql } from 'drizzle-orm';
import { bundles, components, revisions } from '../schema/catalog.ts';
import type { Orm } from '../store.ts';

export async function sweepCode(orm: Orm): Promise<void> {
  await orm
    .delete(components)
    .where(sql`not exists (select 1 from ${revisions} where ${revisions.component} = ${components.digest})`);
  await orm
    .delete(bundles)
    .where(sql`not exists (select 1 from ${revisions} where ${revisions.bundle} = ${bundles.digest})`);
}
