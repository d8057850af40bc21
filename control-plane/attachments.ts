/**
 * Triggers and sinks of functions: made, replaced, removed. They belong to the function, not to a revision: a rollback
 * of its code leaves them as they are (docs/decisions/0017).
 *
 * Invariants: every change raises the catalog's version, so that agents and control planes learn of it; credentials are
 * sealed before they are stored.
 */
import { randomUUIDv7 } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Sink } from '@skerry/shared/sinks.ts';
import type { Trigger } from '@skerry/shared/triggers.ts';
import type { Directory } from './catalog.ts';
import type { Attachment, CatalogFunction } from './catalog-function.ts';
import { type CredentialStore, splitCredentials } from './credentials.ts';
import {
  type AttachmentTable,
  attachmentsOf,
  insertAttachment,
  removeAttachment,
  updateAttachment,
} from './db/attachments.ts';
import { isUuid } from './db/ids.ts';
import type { Orm, Store } from './db/store.ts';
import { lockVersion, raiseVersion } from './db/version.ts';

export type AttachmentService<Spec extends Trigger | Sink> = {
  /** @throws SkerryError not_found, conflict when the function has too many, store_unavailable; so below */
  create(fn: CatalogFunction, spec: Spec): Promise<Attachment<Spec>>;
  /** Replaces all that it says, credentials included. */
  update(fn: CatalogFunction, id: string, spec: Spec): Promise<Attachment<Spec>>;
  remove(fn: CatalogFunction, id: string): Promise<void>;
  /** The function has exactly these from now on. Those that stay the same stay what they are. */
  replaceAll(functionId: string, specs: readonly Spec[]): Promise<void>;
};

export type AttachmentOptions = {
  readonly store: Store;
  readonly catalog: Pick<Directory, 'refresh'>;
  readonly credentials: CredentialStore;
  readonly table: AttachmentTable;
  /** What one is called in messages. */
  readonly noun: 'trigger' | 'sink';
  /** Of one function at most. */
  readonly max: number;
};

export function createAttachmentService<Spec extends Trigger | Sink>(
  options: AttachmentOptions,
): AttachmentService<Spec> {
  const { store, catalog, credentials, table, noun, max } = options;

  const change = async <T>(work: (orm: Orm) => Promise<T>): Promise<T> => {
    const result = await store.change(async (orm) => {
      await lockVersion(orm);
      const done = await work(orm);
      await raiseVersion(orm);
      return done;
    });
    await catalog.refresh();
    return result;
  };
  const rowOf = (id: string, given: Spec) => {
    const { spec, credentials: own } = splitCredentials(given);
    return { id, spec, sealed: own && credentials.seal(id, own) };
  };
  const missing = (id: string) => new SkerryError('not_found', `There is no ${noun} "${id}" of this function`);
  const tooMany = () => new SkerryError('conflict', `A function has at most ${max} ${noun}s`);
  const insert = (orm: Orm, functionId: string, spec: Spec) =>
    insertAttachment<Spec>(orm, table, functionId, rowOf(randomUUIDv7(), spec));

  return {
    create: (fn, spec) =>
      change(async (orm) => {
        if ((await attachmentsOf(orm, table, fn.id)).length >= max) throw tooMany();
        return insert(orm, fn.id, spec);
      }),
    update: (fn, id, spec) =>
      change(async (orm) => {
        const updated = isUuid(id) && (await updateAttachment<Spec>(orm, table, fn.id, rowOf(id, spec)));
        if (!updated) throw missing(id);
        return updated;
      }),
    remove: (fn, id) =>
      change(async (orm) => {
        if (!isUuid(id) || !(await removeAttachment(orm, table, fn.id, id))) throw missing(id);
      }),
    async replaceAll(functionId, specs) {
      if (specs.length > max) throw tooMany();
      await change(async (orm) => {
        // What stays keeps its id, and with it its place with the broker and what is on its way.
        const left = await attachmentsOf<Spec>(orm, table, functionId);
        for (const given of specs) {
          const { spec, credentials: own } = splitCredentials(given);
          const at = left.findIndex((old) => isDeepStrictEqual([old.spec, credentials.own(old)], [spec, own]));
          if (at === -1) await insert(orm, functionId, given);
          else left.splice(at, 1);
        }
        for (const { id } of left) await removeAttachment(orm, table, functionId, id);
      });
    },
  };
}
