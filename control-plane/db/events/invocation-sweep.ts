/** Removes invocations that ended long ago, and finds rows without a job. */
import { sql } from 'drizzle-orm';
import { deliveries, invocations } from '../schema/events.ts';
import type { Orm } from '../store.ts';
import { toRows, uuids } from './record.ts';

export type Removed = {
  readonly count: number;
  /** Time of the last one, as the database writes it; undefined when there was none. */
  readonly upTo: string | undefined;
};

/**
 * Removes invocations that ended this long ago and whose outcome has no pending delivery and no dead letter: the oldest
 * first, at most `limit`. Their idempotency keys go with them. Times are the database's, since devices' clocks may say
 * anything.
 *
 * @param from `upTo` of the previous batch: older rows that are still there must stay, and are not looked at again
 */
export async function removeEnded(
  orm: Orm,
  olderThanMs: number,
  limit: number,
  from: string | undefined,
): Promise<Removed> {
  const removed = await orm.execute(sql`
    with gone as (
      delete from ${invocations} where id in (
        select i.id from ${invocations} i
        where i.state in ('succeeded', 'dead', 'cancelled')
          and i.recorded_at >= ${from ?? '-infinity'}::timestamptz
          and i.recorded_at < now() - ${olderThanMs / 1_000} * interval '1 second'
          and not exists (select 1 from ${deliveries} d where d.invocation_id = i.id)
        order by i.recorded_at limit ${limit}
      ) returning recorded_at
    )
    select count(*)::int as count, max(recorded_at)::text as up_to from gone`);
  const [row] = toRows(removed);
  return { count: Number(row?.count), upTo: row?.up_to == null ? undefined : String(row.up_to) };
}

/** Makes delayed jobs due now: at most `limit`, in the order of their due times. */
export async function endRests(orm: Orm, limit: number): Promise<void> {
  await orm.execute(sql`
    update pgboss.job set start_after = now() where name = 'invocations' and id in (
      select id from pgboss.job
      where name = 'invocations' and state = 'created' and start_after > now() and (data->>'rests')::int > 0
      order by start_after limit ${limit})`);
}

/** A job that was passed on, with its data. */
type PassedJob = { readonly id: string; readonly data: unknown };

/** Jobs that wait because their control plane reached no agent for them, in the order of their due times. */
export async function passedJobs(orm: Orm, limit: number): Promise<PassedJob[]> {
  const found = await orm.execute(sql`
    select id, data from pgboss.job
    where name in ('lanes', 'invocations') and state = 'created' and start_after > now()
      and (data->>'passed')::int > 0
    order by start_after limit ${limit}`);
  return toRows(found).map(({ id, data }) => ({ id: String(id), data }));
}

/** Makes them due now. */
export async function takeUp(orm: Orm, jobs: readonly string[]): Promise<void> {
  await orm.execute(sql`
    update pgboss.job set start_after = now()
    where name in ('lanes', 'invocations') and state = 'created' and id = any(${uuids(jobs)})`);
}

/** Finds waiting rows without a job, at most `limit`. There are none, unless something went wrong. */
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
  return [...toRows(found), ...toRows(lanes)].map(({ id, trigger_id }) => ({
    id: String(id),
    triggerId: trigger_id === null ? null : String(trigger_id),
  }));
}
