/** What people do with kept invocations: cancel them, and have them run again. */
import { SkerryError } from '@skerry/shared/errors.ts';
import { and, eq, inArray, ne, sql } from 'drizzle-orm';
import { deliveries, invocations } from '../schema/events.ts';
import type { Orm } from '../store.ts';

/**
 * Whether a callback is to be made.
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
  const state = await stateOf(orm, id);
  throw new SkerryError('conflict', `the invocation has ended: it is ${state}`);
}

/**
 * Waits again from now on, with all its attempts. Within a transaction of the caller's: an outcome that no sink has taken
 * yet goes to none, dead letters included, since the invocation has another one to come.
 * @throws SkerryError not_found; conflict when it went well, has not ended, or can never run
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
  const state = await stateOf(orm, id);
  const reason = state === 'dead' || state === 'cancelled' ? 'its input is not fit to run, or was not kept' : state;
  throw new SkerryError(
    'conflict',
    `only a dead or cancelled invocation can run again, and this one is not: ${reason}`,
  );
}

/** Nobody needs to look at it any more; should it be replayed, it gets a job of its own again, and has just that one. */
async function dropJobs(orm: Orm, id: string): Promise<void> {
  await orm.execute(
    sql`delete from pgboss.job where name = 'invocations' and state < 'active' and data->>'id' = ${id}`,
  );
}

async function stateOf(orm: Orm, id: string): Promise<string> {
  const [row] = await orm.select({ state: invocations.state }).from(invocations).where(eq(invocations.id, id));
  if (!row) throw new SkerryError('not_found', `There is no invocation "${id}"`);
  return row.state;
}
