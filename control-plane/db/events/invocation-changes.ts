/** Operations of users on stored invocations: cancel and replay. */
import { SkerryError } from '@skerry/shared/errors.ts';
import { and, eq, inArray, ne, sql } from 'drizzle-orm';
import { deliveries, invocations } from '../schema/events.ts';
import type { Orm } from '../store.ts';

/**
 * Whether a callback is due.
 * @throws SkerryError not_found; conflict when it has ended
 */
export async function cancelInvocation(orm: Orm, id: string): Promise<{ readonly callback: boolean }> {
  const [row] = await orm
    .update(invocations)
    .set({
      state: 'cancelled',
      endedAt: sql`now()`,
      recordedAt: sql`now()`,
      errorCode: 'cancelled',
      errorMessage: 'cancelled on request',
    })
    .where(and(eq(invocations.id, id), inArray(invocations.state, ['queued', 'running'])))
    .returning({ callbackUrl: invocations.callbackUrl });
  if (row) {
    await dropJobs(orm, id);
    return { callback: row.callbackUrl !== null };
  }
  const state = await readState(orm, id);
  throw new SkerryError('conflict', `the invocation has ended: it is ${state}`);
}

/**
 * Returns the invocation to the queue, with all its attempts. Within the caller's transaction. Pending deliveries of
 * its old outcome, dead letters included, are dropped, since it will have another outcome.
 * @throws SkerryError conflict when it succeeded, has not ended, or can never run; not_found
 */
export async function replayInvocation(orm: Orm, id: string): Promise<{ id: string; triggerId: string | null }> {
  const [row] = await orm
    .update(invocations)
    .set({
      state: 'queued',
      attempts: 0,
      output: null,
      errorCode: null,
      errorMessage: null,
      callbackDelivered: null,
      startedAt: null,
      endedAt: null,
    })
    .where(
      and(
        eq(invocations.id, id),
        inArray(invocations.state, ['dead', 'cancelled']),
        ne(sql`coalesce(${invocations.errorCode}, '')`, 'event_invalid'),
        sql`${invocations.input} is not null`,
      ),
    )
    .returning({ id: invocations.id, triggerId: invocations.triggerId });
  if (row) {
    await orm.delete(deliveries).where(eq(deliveries.invocationId, id));
    return row;
  }
  const state = await readState(orm, id);
  const reason = state === 'dead' || state === 'cancelled' ? 'its input is not fit to run, or was not kept' : state;
  throw new SkerryError(
    'conflict',
    `only a dead or cancelled invocation can run again, and this one is not: ${reason}`,
  );
}

/** Records whether the receiver of the invocation's callback has the outcome. */
export async function setCallbackDelivered(orm: Orm, id: string, delivered: boolean): Promise<void> {
  await orm.update(invocations).set({ callbackDelivered: delivered }).where(eq(invocations.id, id));
}

/** Deletes the waiting job of a cancelled invocation. A replay inserts another job, and it must be the only one. */
async function dropJobs(orm: Orm, id: string): Promise<void> {
  await orm.execute(
    sql`delete from pgboss.job where name = 'invocations' and state < 'active' and data->>'id' = ${id}`,
  );
}

async function readState(orm: Orm, id: string): Promise<string> {
  const [row] = await orm.select({ state: invocations.state }).from(invocations).where(eq(invocations.id, id));
  if (!row) throw new SkerryError('not_found', `There is no invocation "${id}"`);
  return row.state;
}
