/** Statements on triggers and sinks, whose tables are alike. The caller holds the catalog version. */
import { SkerryError } from '@skerry/shared/errors.ts';
import { type Sink, sinkSchema } from '@skerry/shared/sinks.ts';
import { type Trigger, triggerSchema } from '@skerry/shared/triggers.ts';
import { and, asc, eq, type SQL } from 'drizzle-orm';
import type { Attachment } from '../catalog-function.ts';
import { sinks, triggers } from './events-schema.ts';
import type { Orm } from './store.ts';

export type AttachmentTable = typeof triggers | typeof sinks;

type Row<Spec> = { readonly id: string; readonly spec: Spec; readonly sealed: Uint8Array | undefined };

/** Of one function, oldest first. */
export async function attachmentsOf<Spec extends Trigger | Sink>(
  orm: Orm,
  table: AttachmentTable,
  functionId: string,
): Promise<Attachment<Spec>[]> {
  const rows = await readAttachments<Spec>(orm, table, eq(table.functionId, functionId));
  return rows.map(({ attachment }) => attachment);
}

/** Of all functions, each function's oldest first. */
export async function readAttachments<Spec extends Trigger | Sink>(
  orm: Orm,
  table: AttachmentTable,
  where?: SQL,
): Promise<{ readonly functionId: string; readonly attachment: Attachment<Spec> }[]> {
  const rows = await orm
    .select({ functionId: table.functionId, ...columns(table) })
    .from(table)
    .where(where)
    .orderBy(asc(table.createdAt), asc(table.id));
  return rows.map(({ functionId, ...row }) => ({ functionId, attachment: attachmentOf(table, row) }));
}

export async function insertAttachment<Spec extends Trigger | Sink>(
  orm: Orm,
  table: AttachmentTable,
  functionId: string,
  { id, spec, sealed }: Row<Spec>,
): Promise<Attachment<Spec>> {
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
  return attachmentOf(table, row);
}

/** Undefined when the function has none with this id. */
export async function updateAttachment<Spec extends Trigger | Sink>(
  orm: Orm,
  table: AttachmentTable,
  functionId: string,
  { id, spec, sealed }: Row<Spec>,
): Promise<Attachment<Spec> | undefined> {
  const [row] = await orm
    .update(table)
    .set({ spec, sealed: sealed ?? null })
    .where(and(eq(table.functionId, functionId), eq(table.id, id)))
    .returning(columns(table));
  return row && attachmentOf(table, row);
}

/** False when the function has none with this id. */
export async function removeAttachment(
  orm: Orm,
  table: AttachmentTable,
  functionId: string,
  id: string,
): Promise<boolean> {
  const removed = await orm
    .delete(table)
    .where(and(eq(table.functionId, functionId), eq(table.id, id)))
    .returning({ id: table.id });
  return removed.length > 0;
}

function columns({ id, spec, sealed, createdAt }: AttachmentTable) {
  return { id, spec, sealed, createdAt };
}

/** What an older version stored lacks the keys that came later: they take their defaults. */
function attachmentOf<Spec extends Trigger | Sink>(
  table: AttachmentTable,
  row: { id: string; spec: Trigger | Sink; sealed: Uint8Array | null; createdAt: Date },
): Attachment<Spec> {
  const schema = table === triggers ? triggerSchema : sinkSchema;
  return { ...row, spec: schema.parse(row.spec) as Spec, sealed: row.sealed ?? undefined };
}
