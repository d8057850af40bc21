/** Statements on modules. The caller holds the catalog version. */
import { eq } from 'drizzle-orm';
import { modules } from '../schema/catalog.ts';
import type { Orm } from '../store.ts';
import { rememberTriggers } from './former-triggers.ts';
import { sweepCode } from './sweep.ts';

/** Rejects with a violation of `modules_name_unique` when the name is taken; so does `renameModule`. */
export async function insertModule(orm: Orm, name: string): Promise<void> {
  await orm.insert(modules).values({ name });
}

/** False when the module does not exist. */
export async function renameModule(orm: Orm, name: string, newName: string): Promise<boolean> {
  const rows = await orm.update(modules).set({ name: newName }).where(eq(modules.name, name)).returning();
  return rows.length > 0;
}

/** Removes the module, its functions, and the code that no other function uses. False when it does not exist. */
export async function removeModule(orm: Orm, name: string): Promise<boolean> {
  await rememberTriggers(orm, eq(modules.name, name));
  const rows = await orm.delete(modules).where(eq(modules.name, name)).returning();
  if (rows.length === 0) return false;
  await sweepCode(orm);
  return true;
}
