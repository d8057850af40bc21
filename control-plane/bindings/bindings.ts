/**
 * Triggers and sinks of functions: create, replace, remove. They belong to the function, not to a revision: a rollback
 * of its code leaves them as they are (docs/decisions/0017).
 *
 * Invariants: every change raises the catalog's version, so that agents and control planes learn of it. Credentials are
 * sealed before they are stored. Only an admin may name a secret, since the author of a binding decides where the
 * secret is sent.
 */
import { randomUUIDv7 } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Sink } from '@skerry/shared/function/sinks.ts';
import type { Trigger } from '@skerry/shared/function/triggers.ts';
import type { FullCatalog } from '../catalog/catalog.ts';
import { changeCatalog } from '../catalog/change.ts';
import {
  type BindingTable,
  insertBinding,
  readBindingsOf,
  removeBinding,
  removeOtherBindings,
  updateBinding,
} from '../db/catalog/bindings.ts';
import { hasSecret } from '../db/catalog/secrets.ts';
import { isUuid } from '../db/ids.ts';
import type { Orm, Store } from '../db/store.ts';
import type { Binding, CatalogFunction } from '../model/catalog-function.ts';
import type { Subject } from '../model/subject.ts';
import { type CredentialStore, listSecrets, splitCredentials } from '../secrets/credentials.ts';
import { checkBinding, checkDistinct } from './checks.ts';
import { pairUp } from './match.ts';

export type BindingService<Spec extends Trigger | Sink> = {
  /**
   * @throws SkerryError not_found; conflict when the function has too many or too large bindings; forbidden when it
   *   names a secret and `by` is no admin; validation_failed when there is no such secret, and see checks.ts;
   *   store_unavailable. The methods below throw the same.
   */
  create(fn: CatalogFunction, spec: Spec, by: Author): Promise<Binding<Spec>>;
  /** Replaces the whole binding, including credentials. */
  update(fn: CatalogFunction, id: string, spec: Spec, by: Author): Promise<Binding<Spec>>;
  remove(fn: CatalogFunction, id: string): Promise<void>;
  /**
   * Sets the function's bindings to exactly this list. An existing binding that is only changed keeps its id.
   * @returns the ids, in the order of the list
   */
  replaceAll(functionId: string, specs: readonly Spec[], by: Author): Promise<readonly string[]>;
};

/** The author of a change. An unchanged binding that names a secret may come from any user. */
export type Author = Pick<Subject, 'role'>;

export type BindingOptions = {
  readonly store: Store;
  readonly catalog: Pick<FullCatalog, 'refresh'>;
  readonly credentials: CredentialStore;
  readonly table: BindingTable;
  /** The word for one binding in messages. */
  readonly noun: 'trigger' | 'sink';
  /** Most bindings of one function. */
  readonly max: number;
};

/**
 * Largest size of all bindings of one function, as JSON and with their credentials, in bytes: agents get them in one
 * frame.
 */
const maxBytes = 512 * 1024;

export function createBindingService<Spec extends Trigger | Sink>(options: BindingOptions): BindingService<Spec> {
  const { store, catalog, credentials, table, noun, max } = options;

  const change = <T>(work: (orm: Orm) => Promise<T>): Promise<T> => changeCatalog(store, catalog, work);
  const toRow = (id: string, given: Spec) => {
    checkBinding(given);
    const { spec, credentials: own } = splitCredentials(given);
    return { id, spec, sealed: own && credentials.seal(id, own) };
  };
  const missing = (id: string) => new SkerryError('not_found', `There is no ${noun} "${id}" of this function`);
  const needRoom = (rows: readonly Row[]) => {
    if (rows.length > max) throw new SkerryError('conflict', `A function has at most ${max} ${noun}s`);
    if (rows.reduce((sum, row) => sum + countBytes(row), 0) > maxBytes) {
      throw new SkerryError('conflict', `The ${noun}s of a function have at most ${maxBytes / 1_024} KiB together`);
    }
  };
  const needOwnPlace = (spec: Spec, others: readonly Binding<Spec>[]) =>
    checkDistinct(
      spec,
      others.map((one) => one.spec),
    );
  const needRight = (by: Author, spec: Spec, old?: Binding<Spec>) => {
    if (by.role === 'admin' || listSecrets(spec).length === 0 || (old && isSame(old, spec))) return;
    throw new SkerryError('forbidden', `Only an admin may name a secret in a ${noun}`);
  };
  /** A mistyped name is reported now, and not only when it is used. */
  const needSecrets = async (orm: Orm, spec: Spec) => {
    for (const name of listSecrets(spec)) {
      if (await hasSecret(orm, name)) continue;
      throw new SkerryError('validation_failed', `There is no secret "${name}"`);
    }
  };
  const isSame = (old: Binding<Spec>, given: Spec): boolean => {
    const { spec, credentials: own } = splitCredentials(given);
    if (!isDeepStrictEqual(old.spec, spec)) return false;
    try {
      return isDeepStrictEqual(credentials.own(old), own);
    } catch {
      // Credentials that cannot be opened any longer are sealed again.
      return false;
    }
  };

  return {
    create: (fn, spec, by) =>
      change(async (orm) => {
        needRight(by, spec);
        await needSecrets(orm, spec);
        const row = toRow(randomUUIDv7(), spec);
        const there = await readBindingsOf<Spec>(orm, table, fn.id);
        needOwnPlace(spec, there);
        needRoom([...there, row]);
        return insertBinding(orm, table, fn.id, row);
      }),
    update: (fn, id, spec, by) =>
      change(async (orm) => {
        const there = await readBindingsOf<Spec>(orm, table, fn.id);
        const old = there.find((one) => one.id === id);
        needRight(by, spec, old);
        await needSecrets(orm, spec);
        const row = toRow(id, spec);
        const others = there.filter((one) => one !== old);
        needOwnPlace(spec, others);
        needRoom([...others, row]);
        const updated = isUuid(id) && (await updateBinding(orm, table, fn.id, row));
        if (!updated) throw missing(id);
        return updated;
      }),
    remove: (fn, id) =>
      change(async (orm) => {
        if (!isUuid(id) || !(await removeBinding(orm, table, fn.id, id))) throw missing(id);
      }),
    replaceAll: (functionId, specs, by) =>
      change(async (orm) => {
        const pairs = pairUp(await readBindingsOf<Spec>(orm, table, functionId), specs, isSame);
        for (const { given, same } of pairs) {
          if (same) continue;
          needRight(by, given);
          await needSecrets(orm, given);
        }
        for (const [at, spec] of specs.entries()) checkDistinct(spec, specs.slice(0, at));
        // Of bindings that are created at the same time, ids tell the order.
        const ids = specs.map(() => randomUUIDv7()).sort();
        const rows = pairs.map(({ given, old }, at) => toRow(old?.id ?? ids[at] ?? randomUUIDv7(), given));
        needRoom(rows);
        for (const [at, row] of rows.entries()) {
          const pair = pairs[at];
          if (!pair?.old) await insertBinding(orm, table, functionId, row);
          else if (!pair.same) await updateBinding(orm, table, functionId, row);
        }
        const kept = rows.map(({ id }) => id);
        await removeOtherBindings(orm, table, functionId, kept);
        return kept;
      }),
  };
}

type Row = Pick<Binding<Trigger | Sink>, 'spec' | 'sealed'>;

function countBytes({ spec, sealed }: Row): number {
  return Buffer.byteLength(JSON.stringify(spec)) + (sealed?.byteLength ?? 0);
}
