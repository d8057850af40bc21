/** Queries on functions, revisions and their code. The caller holds the catalog version for changes. */

import { SkerryError } from '@skerry/shared/errors.ts';
import type { World } from '@skerry/shared/function/bundle.ts';
import { type Manifest, manifestSchema } from '@skerry/shared/function/manifest.ts';
import { and, desc, eq, lte, ne } from 'drizzle-orm';
import { isName } from '../ids.ts';
import { functions, modules, revisions } from '../schema/catalog.ts';
import { triggers } from '../schema/events.ts';
import type { Orm } from '../store.ts';
import { readCode, writeCode } from './code.ts';
import { rememberTriggers } from './former-triggers.ts';
import { sweepCode } from './sweep.ts';

/** Most functions: one `desired` frame can name this number. */
export const maxFunctions = 10_000;
/** Revisions kept per function; older ones are deleted with their code, except the current one. */
const keptRevisions = 20;

export type FunctionRow = {
  readonly id: string;
  readonly module: string;
  readonly name: string;
  /** Number of the current revision. */
  readonly revision: number;
  readonly lastRevision: number;
};

/** Code of a revision: digests and facts; the bytes as well, when they have to be stored. */
export type CodeRow = {
  readonly component: string;
  readonly bundle: string;
  readonly bytes?: { readonly component: Uint8Array; readonly bundle: Uint8Array };
  readonly world: World;
  readonly imports: string[];
  readonly size: number;
  readonly initialMemoryBytes: number;
};

export type RevisionRow = CodeRow & {
  readonly number: number;
  readonly manifest: Manifest;
  readonly createdAt: Date;
  readonly createdBy: string;
};

export async function findFunction(orm: Orm, module: string, name: string): Promise<FunctionRow | undefined> {
  if (!isName(module) || !isName(name)) return undefined;
  const [row] = await orm
    .select({ fn: functions, module: modules.name })
    .from(functions)
    .innerJoin(modules, eq(modules.id, functions.moduleId))
    .where(and(eq(modules.name, module), eq(functions.name, name)));
  return row && { ...row.fn, module: row.module };
}

export async function readRevision(orm: Orm, functionId: string, number: number): Promise<RevisionRow | undefined> {
  const [row] = await orm
    .select()
    .from(revisions)
    .where(and(eq(revisions.functionId, functionId), eq(revisions.number, number)));
  return row && { ...row, manifest: manifestSchema.parse(row.manifest) };
}

/** Newest first. */
export async function readRevisions(orm: Orm, functionId: string): Promise<RevisionRow[]> {
  const rows = await orm
    .select()
    .from(revisions)
    .where(eq(revisions.functionId, functionId))
    .orderBy(desc(revisions.number));
  return rows.map((row) => ({ ...row, manifest: manifestSchema.parse(row.manifest) }));
}

export async function readComponent(orm: Orm, digest: string): Promise<Uint8Array> {
  const bytes = await readCode(orm, 'component', digest);
  if (!bytes) throw new SkerryError('internal', `component ${digest} is not stored`);
  return bytes;
}

export async function insertFunction(
  orm: Orm,
  { module, name, since }: { readonly module: string; readonly name: string; readonly since: number },
): Promise<FunctionRow | 'no_module' | 'too_many'> {
  const [parent] = await orm.select().from(modules).where(eq(modules.name, module));
  if (!parent) return 'no_module';
  if ((await orm.$count(functions)) >= maxFunctions) return 'too_many';
  const [row] = await orm
    .insert(functions)
    .values({ moduleId: parent.id, name, revision: 1, lastRevision: 1, since })
    .returning();
  if (!row) throw new SkerryError('internal', 'the insert returned no function');
  return { ...row, module };
}

export async function insertRevision(
  orm: Orm,
  fn: FunctionRow,
  revision: {
    readonly number: number;
    readonly manifest: Manifest;
    readonly createdBy: string;
    readonly code: CodeRow;
  },
): Promise<void> {
  const { bytes, component, bundle, world, imports, size, initialMemoryBytes } = revision.code;
  if (bytes) {
    await writeCode(orm, 'component', component, bytes.component);
    await writeCode(orm, 'bundle', bundle, bytes.bundle);
  }
  const { number, manifest, createdBy } = revision;
  await orm.insert(revisions).values({
    functionId: fn.id,
    number,
    manifest,
    createdBy,
    component,
    bundle,
    world,
    imports,
    size,
    initialMemoryBytes,
  });
}

/** Sets the given columns; then deletes revisions that are too old. */
export async function moveFunction(
  orm: Orm,
  fn: FunctionRow,
  change: Partial<Pick<typeof functions.$inferInsert, 'name' | 'revision' | 'lastRevision' | 'since'>>,
): Promise<void> {
  await orm.update(functions).set(change).where(eq(functions.id, fn.id));
  const oldest = (change.lastRevision ?? fn.lastRevision) - keptRevisions;
  if (oldest < 1) return;
  const old = and(
    eq(revisions.functionId, fn.id),
    lte(revisions.number, oldest),
    ne(revisions.number, change.revision ?? fn.revision),
  );
  const gone = await orm.delete(revisions).where(old).returning({ number: revisions.number });
  if (gone.length > 0) await sweepCode(orm);
}

/** False when there is no such function. */
export async function removeFunction(orm: Orm, module: string, name: string): Promise<boolean> {
  const fn = await findFunction(orm, module, name);
  if (!fn) return false;
  await rememberTriggers(orm, eq(triggers.functionId, fn.id));
  await orm.delete(functions).where(eq(functions.id, fn.id));
  await sweepCode(orm);
  return true;
}
