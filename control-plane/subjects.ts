/** Subjects: whoever may call the API. Tokens are shown when they are made, and stored as hashes. */
import { SkerryError } from '@skerry/shared/errors.ts';
import { and, asc, eq, ne } from 'drizzle-orm';
import type { Catalog } from './catalog.ts';
import { violates } from './db/errors.ts';
import { subjects } from './db/schema.ts';
import type { Orm, Store } from './db/store.ts';
import { lockVersion, raiseVersion } from './db/version.ts';
import type { Role } from './subject.ts';
import { createToken, hashToken } from './tokens.ts';

export type SubjectRecord = { readonly name: string; readonly role: Role; readonly createdAt: Date };
export type SubjectWithToken = SubjectRecord & { readonly token: string };

export type SubjectService = {
  /** By name. */
  list(): Promise<SubjectRecord[]>;
  /** @throws SkerryError conflict when the name is taken */
  create(name: string, role: Role): Promise<SubjectWithToken>;
  /** Its token is refused from now on. @throws SkerryError not_found; conflict for the last admin */
  remove(name: string): Promise<void>;
  /** Gives it a new token; the old one is refused from now on. @throws SkerryError not_found */
  rotate(name: string): Promise<SubjectWithToken>;
};

export function createSubjectService(
  store: Store,
  catalog: Pick<Catalog, 'refresh'>,
  randomBytes: (size: number) => Uint8Array,
): SubjectService {
  const change = async <T>(work: (orm: Orm) => Promise<T>): Promise<T> => {
    const result = await store.change(async (orm) => {
      await lockVersion(orm);
      const value = await work(orm);
      await raiseVersion(orm);
      return value;
    });
    await catalog.refresh();
    return result;
  };
  const found = (row: typeof subjects.$inferSelect | undefined, name: string) => {
    if (!row) throw new SkerryError('not_found', `There is no subject "${name}"`);
    return { name: row.name, role: row.role, createdAt: row.createdAt };
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
        return { ...found(row, name), token };
      } catch (cause) {
        if (!violates(cause, 'subjects_name_unique')) throw cause;
        throw new SkerryError('conflict', `There is a subject "${name}" already`, {
          cause,
          fields: { name: ['has already been taken'] },
        });
      }
    },
    remove: (name) =>
      change(async (orm) => {
        const [row] = await orm.delete(subjects).where(eq(subjects.name, name)).returning();
        if (found(row, name).role !== 'admin') return;
        const [other] = await orm
          .select()
          .from(subjects)
          .where(and(eq(subjects.role, 'admin'), ne(subjects.name, name)))
          .limit(1);
        if (!other) throw new SkerryError('conflict', 'The last admin cannot be removed');
      }),
    async rotate(name) {
      const token = createToken('sk_', randomBytes);
      const [row] = await change((orm) =>
        orm
          .update(subjects)
          .set({ tokenHash: hashToken(token) })
          .where(eq(subjects.name, name))
          .returning(),
      );
      return { ...found(row, name), token };
    },
  };
}
