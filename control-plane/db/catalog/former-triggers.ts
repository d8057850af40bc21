/**
 * Triggers that devices listened to earlier. Outcomes that a device recorded for such a trigger while it was offline
 * arrive later, and this table proves that they are genuine.
 */
import { and, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { functions, modules } from '../schema/catalog.ts';
import { formerTriggers, triggers } from '../schema/events.ts';
import type { Orm } from '../store.ts';

/** Remembers the given triggers that devices listen to, before they are removed or changed. */
export async function rememberTriggers(orm: Orm, which: SQL | undefined): Promise<void> {
  const some = orm
    .select({
      id: triggers.id,
      functionId: triggers.functionId,
      module: modules.name,
      name: functions.name,
      endedAt: sql<Date>`now()`.as('ended_at'),
    })
    .from(triggers)
    .innerJoin(functions, eq(functions.id, triggers.functionId))
    .innerJoin(modules, eq(modules.id, functions.moduleId))
    .where(and(sql`${triggers.spec}->'params'->>'placement' = 'edge'`, which));
  await orm
    .insert(formerTriggers)
    .select(some)
    .onConflictDoUpdate({ target: formerTriggers.id, set: { endedAt: sql`now()` } });
}

export type FormerTrigger = {
  readonly id: string;
  readonly functionId: string;
  /** Names of the function at that time. */
  readonly module: string;
  readonly name: string;
};

/** Of the given ids: former triggers and existing ones. */
export async function findTriggers(
  orm: Orm,
  ids: readonly string[],
): Promise<{ readonly former: readonly FormerTrigger[]; readonly present: readonly string[] }> {
  const { id, functionId, module, name } = formerTriggers;
  const former = await orm
    .select({ id, functionId, module, name })
    .from(formerTriggers)
    .where(inArray(id, [...ids]));
  const rows = await orm
    .select({ id: triggers.id })
    .from(triggers)
    .where(inArray(triggers.id, [...ids]));
  return { former, present: rows.map((row) => row.id) };
}

/** Forgets triggers that ended longer ago than this. */
export async function forgetTriggers(orm: Orm, olderThanMs: number): Promise<void> {
  await orm
    .delete(formerTriggers)
    .where(sql`${formerTriggers.endedAt} < now() - ${olderThanMs / 1_000} * interval '1 second'`);
}
