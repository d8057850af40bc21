/** Counts of the invocations that have not ended. */
import { and, count, eq, inArray, min } from 'drizzle-orm';
import { invocations } from '../schema/events.ts';
import type { Orm } from '../store.ts';

/** The queued invocations of all functions; `oldest` is when the oldest of them was created. */
export async function countQueued(orm: Orm): Promise<{ queued: number; oldest: Date | undefined }> {
  const [row] = await orm
    .select({ queued: count(), oldest: min(invocations.createdAt) })
    .from(invocations)
    .where(eq(invocations.state, 'queued'));
  return { queued: row?.queued ?? 0, oldest: row?.oldest ?? undefined };
}

/** The queued and running invocations of one trigger. */
export async function countPendingOfTrigger(orm: Orm, triggerId: string): Promise<number> {
  const [row] = await orm
    .select({ pending: count() })
    .from(invocations)
    .where(and(eq(invocations.triggerId, triggerId), inArray(invocations.state, ['queued', 'running'])));
  return row?.pending ?? 0;
}
