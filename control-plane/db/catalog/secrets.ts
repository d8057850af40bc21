/** Statements on secrets. The caller holds the catalog version when it changes them. */
import type { Sink } from '@skerry/shared/function/sinks.ts';
import type { Trigger } from '@skerry/shared/function/triggers.ts';
import { asc, eq, sql } from 'drizzle-orm';
import { functions, modules } from '../schema/catalog.ts';
import { secrets } from '../schema/events.ts';
import type { Orm } from '../store.ts';
import type { BindingTable } from './bindings.ts';

export async function putSecret(orm: Orm, name: string, sealed: Uint8Array): Promise<void> {
  await orm
    .insert(secrets)
    .values({ name, sealed })
    .onConflictDoUpdate({ target: secrets.name, set: { sealed, updatedAt: sql`now()` } });
}

export function countSecrets(orm: Orm): Promise<number> {
  return orm.$count(secrets);
}

export async function hasSecret(orm: Orm, name: string): Promise<boolean> {
  return (await orm.$count(secrets, eq(secrets.name, name))) > 0;
}

/** In order of their names. */
export function readSecretFacts(
  orm: Orm,
): Promise<{ readonly name: string; readonly createdAt: Date; readonly updatedAt: Date }[]> {
  return orm
    .select({ name: secrets.name, createdAt: secrets.createdAt, updatedAt: secrets.updatedAt })
    .from(secrets)
    .orderBy(asc(secrets.name));
}

/** False when the secret does not exist. */
export async function removeSecret(orm: Orm, name: string): Promise<boolean> {
  const removed = await orm.delete(secrets).where(eq(secrets.name, name)).returning({ name: secrets.name });
  return removed.length > 0;
}

/** All specs as the table has them, with the names of their functions. Specs that do not fit their schema are included. */
export async function readSpecs(
  orm: Orm,
  table: BindingTable,
): Promise<{ readonly spec: Trigger | Sink; readonly module: string; readonly name: string }[]> {
  return orm
    .select({ spec: table.spec, module: modules.name, name: functions.name })
    .from(table)
    .innerJoin(functions, eq(functions.id, table.functionId))
    .innerJoin(modules, eq(modules.id, functions.moduleId));
}
