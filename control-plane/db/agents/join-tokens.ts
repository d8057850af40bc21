/** Statements on join tokens. */
import { and, desc, eq, gt, isNull, lt, sql } from 'drizzle-orm';
import { joinTokens } from '../schema/catalog.ts';
import type { Orm } from '../store.ts';

export type JoinTokenRow = typeof joinTokens.$inferSelect;
type NewJoinToken = Omit<typeof joinTokens.$inferInsert, 'id' | 'revokedAt'>;

export async function insertJoinToken(orm: Orm, values: NewJoinToken): Promise<JoinTokenRow | undefined> {
  const [row] = await orm.insert(joinTokens).values(values).returning();
  return row;
}

/** All that are not revoked, newest first; expired ones are included. */
export function listJoinTokens(orm: Orm): Promise<JoinTokenRow[]> {
  return orm.select().from(joinTokens).where(isNull(joinTokens.revokedAt)).orderBy(desc(joinTokens.createdAt));
}

/** Takes one use of the token. Undefined when it is unknown, used up, expired or revoked. */
export async function takeJoinTokenUse(orm: Orm, tokenHash: Uint8Array, at: Date): Promise<JoinTokenRow | undefined> {
  const [row] = await orm
    .update(joinTokens)
    .set({ usesLeft: sql`${joinTokens.usesLeft} - 1` })
    .where(
      and(
        eq(joinTokens.tokenHash, tokenHash),
        gt(joinTokens.usesLeft, 0),
        gt(joinTokens.expiresAt, at),
        isNull(joinTokens.revokedAt),
      ),
    )
    .returning();
  return row;
}

/** False when the token does not exist or was revoked before. */
export async function revokeJoinToken(orm: Orm, id: string, at: Date): Promise<boolean> {
  const rows = await orm
    .update(joinTokens)
    .set({ revokedAt: at })
    .where(and(eq(joinTokens.id, id), isNull(joinTokens.revokedAt)))
    .returning({ id: joinTokens.id });
  return rows.length > 0;
}

export async function removeExpiredJoinTokens(orm: Orm, before: Date): Promise<void> {
  await orm.delete(joinTokens).where(lt(joinTokens.expiresAt, before));
}
