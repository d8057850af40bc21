/** Reads the whole content of the catalog, as of one moment. */
import { manifestSchema } from '@skerry/shared/function/manifest.ts';
import type { Sink } from '@skerry/shared/function/sinks.ts';
import type { Trigger } from '@skerry/shared/function/triggers.ts';
import { and, asc, eq } from 'drizzle-orm';
import type { Binding, CatalogFunction, RevisionFacts } from '../../model/catalog-function.ts';
import type { Subject } from '../../model/subject.ts';
import { functions, modules, revisions, subjects } from '../schema/catalog.ts';
import { secrets, sinks, triggers } from '../schema/events.ts';
import type { Orm, Store } from '../store.ts';
import { type OnUnfit, readAllBindings } from './bindings.ts';
import { readVersion } from './version.ts';

export type CatalogContent = {
  readonly version: number;
  /** Names, in order. */
  readonly modules: readonly string[];
  /** In order of module and name. */
  readonly functions: readonly { readonly entry: CatalogFunction; readonly facts: RevisionFacts }[];
  readonly subjects: readonly (Subject & { readonly tokenHash: Uint8Array })[];
  /** Sealed, by name. */
  readonly secrets: ReadonlyMap<string, Uint8Array>;
};

/**
 * Undefined when the database still has the version that the caller knows.
 * @param onUnfit called for triggers and sinks that are left out, since they do not fit their schema
 * @throws SkerryError store_unavailable
 */
export function readContent(
  store: Store,
  known: number | undefined,
  onUnfit: OnUnfit,
): Promise<CatalogContent | undefined> {
  return store.read(async (orm) => {
    const version = await readVersion(orm);
    if (version === known) return undefined;
    return {
      version,
      modules: (await orm.select({ name: modules.name }).from(modules).orderBy(asc(modules.name))).map(
        (row) => row.name,
      ),
      functions: await readFunctions(orm, onUnfit),
      subjects: await orm
        .select({ id: subjects.id, name: subjects.name, role: subjects.role, tokenHash: subjects.tokenHash })
        .from(subjects),
      secrets: new Map((await orm.select().from(secrets)).map(({ name, sealed }) => [name, sealed])),
    };
  });
}

async function readFunctions(orm: Orm, onUnfit: OnUnfit): Promise<CatalogContent['functions']> {
  const rows = await orm
    .select({ module: modules.name, fn: functions, revision: revisions })
    .from(functions)
    .innerJoin(modules, eq(modules.id, functions.moduleId))
    .innerJoin(revisions, and(eq(revisions.functionId, functions.id), eq(revisions.number, functions.revision)))
    .orderBy(asc(modules.name), asc(functions.name));
  const triggersOf = byFunction(await readAllBindings<Trigger>(orm, triggers, onUnfit));
  const sinksOf = byFunction(await readAllBindings<Sink>(orm, sinks, onUnfit));
  return rows.map(({ module, fn, revision }) => {
    // A manifest that an older version stored lacks later keys, which take their defaults.
    const manifest = manifestSchema.parse(revision.manifest);
    return {
      entry: {
        id: fn.id,
        module,
        name: fn.name,
        revision: revision.number,
        bundle: revision.bundle,
        world: revision.world,
        manifest,
        capacityBytes: manifest.capacity_bytes ?? revision.initialMemoryBytes,
        since: fn.since,
        triggers: triggersOf.get(fn.id) ?? [],
        sinks: sinksOf.get(fn.id) ?? [],
      },
      facts: {
        digest: revision.component,
        size: revision.size,
        imports: revision.imports,
        createdAt: revision.createdAt,
        createdBy: revision.createdBy,
      },
    };
  });
}

function byFunction<Spec extends Trigger | Sink>(
  rows: readonly { readonly functionId: string; readonly binding: Binding<Spec> }[],
): ReadonlyMap<string, readonly Binding<Spec>[]> {
  const lists = new Map<string, Binding<Spec>[]>();
  for (const { functionId, binding } of rows) {
    const list = lists.get(functionId);
    if (list) list.push(binding);
    else lists.set(functionId, [binding]);
  }
  return lists;
}
