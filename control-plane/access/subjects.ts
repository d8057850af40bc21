/** Subjects: the users of the API. Tokens are shown when they are made, and stored as hashes. */
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { changeCatalog } from '../catalog/change.ts';
import { createToken, hashToken } from '../crypto/tokens.ts';
import {
  findSubject,
  hasAdmin,
  insertSubject,
  listSubjects,
  removeSubject,
  type SubjectRow,
  updateSubjectToken,
} from '../db/catalog/subjects.ts';
import { violates } from '../db/errors.ts';
import { isName } from '../db/ids.ts';
import type { Orm, Store } from '../db/store.ts';
import type { Role } from '../model/subject.ts';

export type SubjectRecord = { readonly name: string; readonly role: Role; readonly createdAt: Date };
type SubjectWithToken = SubjectRecord & { readonly token: string };

export type SubjectService = {
  /** By name. */
  list(): Promise<SubjectRecord[]>;
  /** @throws SkerryError conflict when the name is taken */
  create(name: string, role: Role): Promise<SubjectWithToken>;
  /** The subject's token is refused from now on. @throws SkerryError not_found; conflict for the last admin */
  remove(name: string): Promise<void>;
  /** Gives the subject a new token; the old one is refused from now on. @throws SkerryError not_found */
  rotate(name: string): Promise<SubjectWithToken>;
};

/** Called when a token has ended, with its hash and its successor. Must not reject. */
type OnTokenEnd = (ended: Uint8Array, successor: string | undefined) => Promise<void>;

export function createSubjectService(
  store: Store,
  catalog: Pick<Catalog, 'refresh'>,
  randomBytes: (size: number) => Uint8Array,
  onTokenEnd: OnTokenEnd,
): SubjectService {
  const change = <T>(work: (orm: Orm) => Promise<T>): Promise<T> => changeCatalog(store, catalog, work);
  const checkName = (name: string) => {
    if (!isName(name)) throw missing(name);
  };

  return {
    list: () => store.read(listSubjects),
    async create(name, role) {
      const token = createToken('sk_', randomBytes);
      try {
        const row = await change((orm) => insertSubject(orm, { name, role, tokenHash: hashToken(token) }));
        return { ...toRecord(need(row, name)), token };
      } catch (cause) {
        if (!violates(cause, 'subjects_name_unique')) throw cause;
        throw new SkerryError('conflict', `There is a subject "${name}" already`, {
          cause,
          fields: { name: ['has already been taken'] },
        });
      }
    },
    async remove(name) {
      checkName(name);
      const { tokenHash } = await change(async (orm) => {
        const row = need(await removeSubject(orm, name), name);
        if (row.role === 'admin') await needOtherAdmin(orm, name);
        return row;
      });
      await onTokenEnd(tokenHash, undefined);
    },
    async rotate(name) {
      checkName(name);
      const token = createToken('sk_', randomBytes);
      const { before, after } = await change(async (orm) => {
        const before = need(await findSubject(orm, name), name);
        const after = await updateSubjectToken(orm, name, hashToken(token));
        return { before, after: need(after, name) };
      });
      await onTokenEnd(before.tokenHash, token);
      return { ...toRecord(after), token };
    },
  };
}

/** @throws SkerryError conflict, which takes the removal of this admin back */
async function needOtherAdmin(orm: Orm, name: string): Promise<void> {
  if (!(await hasAdmin(orm, name))) throw new SkerryError('conflict', 'The last admin cannot be removed');
}

function need(row: SubjectRow | undefined, name: string): SubjectRow {
  if (!row) throw missing(name);
  return row;
}

function missing(name: string): SkerryError {
  return new SkerryError('not_found', `There is no subject "${name}"`);
}

function toRecord({ name, role, createdAt }: SubjectRow): SubjectRecord {
  return { name, role, createdAt };
}
