/**
 * Triggers that devices listened to and do not any more. What a device kept for one while it was offline comes home
 * later, and is known by this to be no invention.
 */
import { and, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { functions, modules } from '../schema/catalog.ts';
import { formerTriggers, triggers } from '../schema/events.ts';
import type { Orm } from '../store.ts';

/** Remembers those of the given ones that devices listen to, before they go or change. */
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
  /** Names of the function as it was. */
  readonly module: string;
  readonly name: string;
};

/** Of the given ids: those of former triggers, and those of triggers that there are. */
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

/** Forgets those that ended so long ago. */
export async function forgetTriggers(orm: Orm, olderThanMs: number): Promise<void> {
  await orm
    .delete(formerTriggers)
    .where(sql`${formerTriggers.endedAt} < now() - ${olderThanMs / 1_000} * interval '1 second'`);
}
