/** Removes what has ended long ago, and asks again for what nobody is asked to look at. */
import { sql } from 'drizzle-orm';
import { deliveries, invocations } from './events-schema.ts';
import { rowsOf, uuids } from './recording.ts';
import type { Orm } from './store.ts';

/**
 * Invocations that ended so long ago and whose outcome waits for no sink, not even as a dead letter; so many at most.
 * How many were removed. Idempotency keys go with them. Times are the database's: those of a device may say anything.
 */
export async function removeEnded(orm: Orm, olderThanMs: number, limit: number): Promise<number> {
  const removed = await orm.execute(sql`
    delete from ${invocations} where id in (
      select i.id from ${invocations} i
      where i.state in ('succeeded', 'dead', 'cancelled')
        and i.recorded_at < now() - ${olderThanMs / 1_000} * interval '1 second'
        and not exists (select 1 from ${deliveries} d where d.invocation_id = i.id)
      limit ${limit}
    ) returning 1 as removed`);
  return rowsOf(removed).length;
}

/** Jobs that wait for somebody to run what they ask for are due now; so many of them, those that are due first. */
export async function endRests(orm: Orm, limit: number): Promise<void> {
  await orm.execute(sql`
    update pgboss.job set start_after = now() where name = 'invocations' and id in (
      select id from pgboss.job
      where name = 'invocations' and state = 'created' and start_after > now() and (data->>'rests')::int > 0
      order by start_after limit ${limit})`);
}

/** A job that was passed on, and what it says. */
export type PassedJob = { readonly id: string; readonly data: unknown };

/** Jobs that wait because whoever looked at them reached nobody who may run it; those that are due first. */
export async function passedJobs(orm: Orm, limit: number): Promise<PassedJob[]> {
  const found = await orm.execute(sql`
    select id, data from pgboss.job
    where name in ('lanes', 'invocations') and state = 'created' and start_after > now()
      and (data->>'passed')::int > 0
    order by start_after limit ${limit}`);
  return rowsOf(found).map(({ id, data }) => ({ id: String(id), data }));
}

/** They are due now. */
export async function takeUp(orm: Orm, jobs: readonly string[]): Promise<void> {
  await orm.execute(sql`
    update pgboss.job set start_after = now()
    where name in ('lanes', 'invocations') and state = 'created' and id = any(${uuids(jobs)})`);
}

/** A row that waits has a job that asks for it, unless something went wrong; of those that have none, so many. */
export async function findForgotten(orm: Orm, limit: number): Promise<{ id: string; triggerId: string | null }[]> {
  const found = await orm.execute(sql`
    select id, trigger_id from ${invocations} i
    where i.state in ('queued', 'running') and i.trigger_id is null and i.created_at < now() - interval '1 minute'
      and not exists (
        select 1 from pgboss.job j
        where j.name = 'invocations' and j.state < 'completed' and j.data->>'id' = i.id::text)
    limit ${limit}`);
  const lanes = await orm.execute(sql`
    select distinct on (trigger_id) id, trigger_id from ${invocations}
    where state in ('queued', 'running') and trigger_id is not null limit ${limit}`);
  return [...rowsOf(found), ...rowsOf(lanes)].map(({ id, trigger_id }) => ({
    id: String(id),
    triggerId: trigger_id === null ? null : String(trigger_id),
  }));
}
