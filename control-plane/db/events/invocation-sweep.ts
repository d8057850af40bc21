/** Removes what has ended long ago, and asks again for what nobody is asked to look at. */
import { sql } from 'drizzle-orm';
import { deliveries, invocations } from '../schema/events.ts';
import type { Orm } from '../store.ts';
import { toRows, uuids } from './record.ts';

export type Removed = {
  readonly count: number;
  /** Moment of the last of them, as the database writes it; undefined when there were none. */
  readonly upTo: string | undefined;
};

/**
 * Removes invocations that ended so long ago and whose outcome waits for no sink, not even as a dead letter: the oldest,
 * so many at most. Idempotency keys go with them. Times are the database's: those of a device may say anything.
 *
 * @param from `upTo` of the batch before: what is older and still there has to stay, and is not looked at once more
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
  return toRows(found).map(({ id, data }) => ({ id: String(id), data }));
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
  return [...toRows(found), ...toRows(lanes)].map(({ id, trigger_id }) => ({
    id: String(id),
    triggerId: trigger_id === null ? null : String(trigger_id),
  }));
}
