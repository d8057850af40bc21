/** Statements on leases. Times are the database's. */
import { and, eq, lt, sql } from 'drizzle-orm';
import { leases } from '../schema/events.ts';
import type { Orm } from '../store.ts';

/** Takes or renews each lease that is free or the holder's own. Returns the names of those. */
export async function takeLeases(
  orm: Orm,
  names: readonly string[],
  holder: string,
  termMs: number,
): Promise<ReadonlySet<string>> {
  const until = sql`now() + ${termMs / 1_000} * interval '1 second'`;
  const rows = await orm
    .insert(leases)
    .values(names.map((name) => ({ name, holder, until })))
    .onConflictDoUpdate({
      target: leases.name,
      set: { holder, until },
      setWhere: sql`${leases.holder} = ${holder} or ${leases.until} < now()`,
    })
    .returning({ name: leases.name });
  return new Set(rows.map(({ name }) => name));
}

export async function releaseLeases(orm: Orm, names: readonly string[], holder: string): Promise<void> {
  for (const name of names) await orm.delete(leases).where(and(eq(leases.name, name), eq(leases.holder, holder)));
}

/** Deletes the leases that ended more than a day ago: their trigger or sink was removed, or no holder is left. */
export async function forgetLeases(orm: Orm): Promise<void> {
  await orm.delete(leases).where(lt(leases.until, sql`now() - interval '1 day'`));
}
