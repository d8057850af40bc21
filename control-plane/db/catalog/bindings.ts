/**
 * Queries on triggers and sinks, whose tables are alike. The caller holds the catalog version.
 *
 * Invariant: a row that does not fit its schema (another version stored it) is left out, and affects no other.
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import { type Sink, sinkSchema } from '@skerry/shared/function/sinks.ts';
import { type Trigger, triggerSchema } from '@skerry/shared/function/triggers.ts';
import { and, asc, eq, inArray, notInArray, type SQL } from 'drizzle-orm';
import * as z from 'zod';
import type { Binding } from '../../model/catalog-function.ts';
import { sinks, triggerCounts, triggers } from '../schema/events.ts';
import type { Orm } from '../store.ts';
import { rememberTriggers } from './former-triggers.ts';

export type BindingTable = typeof triggers | typeof sinks;

/** Called for rows that were left out. */
export type OnUnfit = (row: { readonly id: string; readonly functionId: string; readonly why: string }) => void;

type Row<Spec> = { readonly id: string; readonly spec: Spec; readonly sealed: Uint8Array | undefined };

/** The bindings of one function, oldest first. */
export async function readBindingsOf<Spec extends Trigger | Sink>(
  orm: Orm,
  table: BindingTable,
  functionId: string,
): Promise<Binding<Spec>[]> {
  const rows = await readAllBindings<Spec>(orm, table, () => {}, eq(table.functionId, functionId));
  return rows.map(({ binding }) => binding);
}

/** The bindings of all functions, oldest first. */
export async function readAllBindings<Spec extends Trigger | Sink>(
  orm: Orm,
  table: BindingTable,
  onUnfit: OnUnfit,
  where?: SQL,
): Promise<{ readonly functionId: string; readonly binding: Binding<Spec> }[]> {
  const rows = await orm
    .select({ functionId: table.functionId, ...columns(table) })
    .from(table)
    .where(where)
    .orderBy(asc(table.createdAt), asc(table.id));
  return rows.flatMap(({ functionId, ...row }) => {
    const { data, error } = selectSchema(table).safeParse(row.spec);
    if (data) return [{ functionId, binding: toBinding(row, data as Spec) }];
    onUnfit({ id: row.id, functionId, why: z.prettifyError(error) });
    return [];
  });
}

export async function insertBinding<Spec extends Trigger | Sink>(
  orm: Orm,
  table: BindingTable,
  functionId: string,
  { id, spec, sealed }: Row<Spec>,
): Promise<Binding<Spec>> {
  const values = { id, functionId, sealed: sealed ?? null };
  const [row] =
    table === triggers
      ? await orm
          .insert(triggers)
          .values({ ...values, spec: spec as Trigger })
          .returning(columns(triggers))
      : await orm
          .insert(sinks)
          .values({ ...values, spec: spec as Sink })
          .returning(columns(sinks));
  if (!row) throw new SkerryError('internal', 'what was inserted did not come back');
  return toBinding(row, spec);
}

/** Undefined when the function has none with this id. */
export async function updateBinding<Spec extends Trigger | Sink>(
  orm: Orm,
  table: BindingTable,
  functionId: string,
  { id, spec, sealed }: Row<Spec>,
): Promise<Binding<Spec> | undefined> {
  const which = and(eq(table.functionId, functionId), eq(table.id, id));
  if (table === triggers && (spec as Trigger).params.placement !== 'edge') await rememberTriggers(orm, which);
  const [row] = await orm
    .update(table)
    .set({ spec, sealed: sealed ?? null })
    .where(which)
    .returning(columns(table));
  return row && toBinding(row, spec);
}

/** False when the function has none with this id. */
export async function removeBinding(orm: Orm, table: BindingTable, functionId: string, id: string): Promise<boolean> {
  const which = and(eq(table.functionId, functionId), eq(table.id, id));
  if (table === triggers) await rememberTriggers(orm, which);
  const removed = await orm.delete(table).where(which).returning({ id: table.id });
  return removed.length > 0;
}

/** Including unreadable rows. */
export async function removeOtherBindings(
  orm: Orm,
  table: BindingTable,
  functionId: string,
  kept: readonly string[],
): Promise<void> {
  const which = and(eq(table.functionId, functionId), notInArray(table.id, [...kept]));
  if (table === triggers) await rememberTriggers(orm, which);
  await orm.delete(table).where(which);
}

export type TriggerCountsRow = typeof triggerCounts.$inferSelect;

/** A trigger without counts has no row. */
export function readTriggerCounts(orm: Orm, triggerIds: readonly string[]): Promise<TriggerCountsRow[]> {
  return orm
    .select()
    .from(triggerCounts)
    .where(inArray(triggerCounts.triggerId, [...triggerIds]));
}

function columns({ id, spec, sealed, createdAt }: BindingTable) {
  return { id, spec, sealed, createdAt };
}

/** A spec that an older version stored lacks later keys: they take their defaults. */
function selectSchema(table: BindingTable): z.ZodType<Trigger | Sink> {
  return table === triggers ? triggerSchema : sinkSchema;
}

function toBinding<Spec extends Trigger | Sink>(
  { id, sealed, createdAt }: { id: string; sealed: Uint8Array | null; createdAt: Date },
  spec: Spec,
): Binding<Spec> {
  return { id, spec, sealed: sealed ?? undefined, createdAt };
}
