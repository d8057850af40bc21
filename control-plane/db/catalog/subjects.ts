/** Statements on subjects. The caller holds the catalog version when it changes them. */
import { and, asc, eq, ne } from 'drizzle-orm';
import type { Role } from '../../model/subject.ts';
import { subjects } from '../schema/catalog.ts';
import type { Orm } from '../store.ts';

export type SubjectRow = typeof subjects.$inferSelect;

/** By name. */
export function listSubjects(orm: Orm): Promise<Pick<SubjectRow, 'name' | 'role' | 'createdAt'>[]> {
  return orm
    .select({ name: subjects.name, role: subjects.role, createdAt: subjects.createdAt })
    .from(subjects)
    .orderBy(asc(subjects.name));
}

export async function findSubject(orm: Orm, name: string): Promise<SubjectRow | undefined> {
  const [row] = await orm.select().from(subjects).where(eq(subjects.name, name));
  return row;
}

/** Rejects with a violation of `subjects_name_unique` when the name is taken. */
export async function insertSubject(
  orm: Orm,
  values: { readonly name: string; readonly role: Role; readonly tokenHash: Uint8Array },
): Promise<SubjectRow | undefined> {
  const [row] = await orm.insert(subjects).values(values).returning();
  return row;
}

/** Makes the subject an admin with this token, and creates it when it does not exist. */
export async function putAdmin(orm: Orm, name: string, tokenHash: Uint8Array): Promise<void> {
  await orm
    .insert(subjects)
    .values({ name, role: 'admin', tokenHash })
    .onConflictDoUpdate({ target: subjects.name, set: { tokenHash, role: 'admin' } });
}

/** @returns the subject as it was, undefined when it does not exist */
export async function removeSubject(orm: Orm, name: string): Promise<SubjectRow | undefined> {
  const [row] = await orm.delete(subjects).where(eq(subjects.name, name)).returning();
  return row;
}

export async function updateSubjectToken(
  orm: Orm,
  name: string,
  tokenHash: Uint8Array,
): Promise<SubjectRow | undefined> {
  const [row] = await orm.update(subjects).set({ tokenHash }).where(eq(subjects.name, name)).returning();
  return row;
}

/** @param except name of a subject that does not count */
export async function hasAdmin(orm: Orm, except?: string): Promise<boolean> {
  const others = except === undefined ? undefined : ne(subjects.name, except);
  const rows = await orm
    .select()
    .from(subjects)
    .where(and(eq(subjects.role, 'admin'), others))
    .limit(1);
  return rows.length > 0;
}
