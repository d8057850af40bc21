/** Subjects: the users of the API. Tokens are shown when they are made, and stored as hashes. */
import { SkerryError } from '@skerry/shared/errors.ts';
import { and, asc, eq, ne } from 'drizzle-orm';
import type { Catalog } from '../catalog/catalog.ts';
import { changeCatalog } from '../catalog/change.ts';
import { createToken, hashToken } from '../crypto/tokens.ts';
import { violates } from '../db/errors.ts';
import { isName } from '../db/ids.ts';
import { subjects } from '../db/schema/catalog.ts';
import type { Orm, Store } from '../db/store.ts';
import type { Role } from '../model/subject.ts';

export type SubjectRecord = { readonly name: string; readonly role: Role; readonly createdAt: Date };
export type SubjectWithToken = SubjectRecord & { readonly token: string };

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
export type OnTokenEnd = (ended: Uint8Array, successor: string | undefined) => Promise<void>;

export function createSubjectService(
  store: Store,
  catalog: Pick<Catalog, 'refresh'>,
  randomBytes: (size: number) => Uint8Array,
  onTokenEnd: OnTokenEnd,
): SubjectService {
  const change = <T>(work: (orm: Orm) => Promise<T>): Promise<T> => changeCatalog(store, catalog, work);
  const byName = (name: string) => {
    if (!isName(name)) throw missing(name);
    return eq(subjects.name, name);
  };

  return {
    list: () =>
      store.read((orm) =>
        orm
          .select({ name: subjects.name, role: subjects.role, createdAt: subjects.createdAt })
          .from(subjects)
          .orderBy(asc(subjects.name)),
      ),
    async create(name, role) {
      const token = createToken('sk_', randomBytes);
      try {
        const [row] = await change((orm) =>
          orm
            .insert(subjects)
            .values({ name, role, tokenHash: hashToken(token) })
            .returning(),
        );
        return { ...recordOf(need(row, name)), token };
      } catch (cause) {
        if (!violates(cause, 'subjects_name_unique')) throw cause;
        throw new SkerryError('conflict', `There is a subject "${name}" already`, {
          cause,
          fields: { name: ['has already been taken'] },
        });
      }
    },
    async remove(name) {
      const where = byName(name);
      const { tokenHash } = await change(async (orm) => {
        const row = need((await orm.delete(subjects).where(where).returning())[0], name);
        if (row.role === 'admin') await needOtherAdmin(orm, name);
        return row;
      });
      await onTokenEnd(tokenHash, undefined);
    },
    async rotate(name) {
      const where = byName(name);
      const token = createToken('sk_', randomBytes);
      const { before, after } = await change(async (orm) => {
        const before = need((await orm.select().from(subjects).where(where))[0], name);
        const [after] = await orm
          .update(subjects)
          .set({ tokenHash: hashToken(token) })
          .where(where)
          .returning();
        return { before, after: need(after, name) };
      });
      await onTokenEnd(before.tokenHash, token);
      return { ...recordOf(after), token };
    },
  };
}

type SubjectRow = typeof subjects.$inferSelect;

/** @throws SkerryError conflict, which rolls the removal of this admin back */
async function needOtherAdmin(orm: Orm, name: string): Promise<void> {
  const [other] = await orm
    .select()
    .from(subjects)
    .where(and(eq(subjects.role, 'admin'), ne(subjects.name, name)))
    .limit(1);
  if (!other) throw new SkerryError('conflict', 'The last admin cannot be removed');
}

function need(row: SubjectRow | undefined, name: string): SubjectRow {
  if (!row) throw missing(name);
  return row;
}

function missing(name: string): SkerryError {
  return new SkerryError('not_found', `There is no subject "${name}"`);
}

function recordOf({ name, role, createdAt }: SubjectRow): SubjectRecord {
  return { name, role, createdAt };
}
