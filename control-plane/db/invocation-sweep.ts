/** Removes what has ended long ago, and asks again for what nobody is asked to look at. */
import { sql } from 'drizzle-orm';
import { deliveries, invocations } from './events-schema.ts';
import { rowsOf } from './recording.ts';
import type { Orm } from './store.ts';

/**
 * Ended invocations whose outcome is on its way nowhere, so many at most; how many were removed. Dead letters go with
 * them, and so do idempotency keys.
 */
export async function removeEnded(orm: Orm, before: Date, limit: number): Promise<number> {
  const removed = await orm.execute(sql`
    delete from ${invocations} where id in (
      select i.id from ${invocations} i
      where i.state in ('succeeded', 'dead', 'cancelled')
        and i.created_at < ${before.toISOString()}::timestamptz and i.ended_at < ${before.toISOString()}::timestamptz
        and not exists (select 1 from ${deliveries} d where d.invocation_id = i.id and not d.dead)
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
