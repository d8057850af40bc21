/** Queries on the counts of triggers. A removed trigger has no counts: nothing is written then. */
import { and, count, eq, inArray, sql } from 'drizzle-orm';
import { invocations, triggerCounts, triggers } from '../schema/events.ts';
import type { Orm } from '../store.ts';
import { toRows } from './record.ts';

/** Counts since the last write. */
export type Counted = {
  readonly trigger: string;
  readonly received: number;
  readonly dropped: number;
  readonly lastMessageAt: Date | undefined;
};

export async function addCounted(orm: Orm, { trigger, received, dropped, lastMessageAt }: Counted): Promise<void> {
  const at = lastMessageAt?.toISOString() ?? null;
  await orm.execute(sql`
    insert into ${triggerCounts} (trigger_id, received, dropped, last_message_at)
    select ${triggers.id}, ${received}::int8, ${dropped}::int8, ${at}::timestamptz
      from ${triggers} where ${triggers.id} = ${trigger}
    on conflict (trigger_id) do update set
      received = ${triggerCounts.received} + excluded.received,
      dropped = ${triggerCounts.dropped} + excluded.dropped,
      last_message_at = greatest(${triggerCounts.lastMessageAt}, excluded.last_message_at)`);
}

export async function readLastTick(orm: Orm, trigger: string): Promise<number | undefined> {
  const [row] = await orm
    .select({ at: triggerCounts.lastTickAt })
    .from(triggerCounts)
    .where(eq(triggerCounts.triggerId, trigger));
  return row?.at?.getTime();
}

export async function setLastTick(orm: Orm, trigger: string, moment: number): Promise<void> {
  await orm.execute(sql`
    insert into ${triggerCounts} (trigger_id, last_tick_at)
    select ${triggers.id}, ${new Date(moment).toISOString()}::timestamptz
      from ${triggers} where ${triggers.id} = ${trigger}
    on conflict (trigger_id) do update set last_tick_at = excluded.last_tick_at`);
}

/** The number of unfinished invocations of each trigger; triggers without any are left out. */
export async function pendingByTrigger(orm: Orm, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const rows = await orm
    .select({ trigger: invocations.triggerId, pending: count() })
    .from(invocations)
    .where(and(inArray(invocations.triggerId, [...ids]), inArray(invocations.state, ['queued', 'running'])))
    .groupBy(invocations.triggerId);
  return new Map(rows.map(({ trigger, pending }) => [trigger ?? '', pending]));
}

/** Cancels the oldest waiting invocations of a trigger; returns how many there were. */
export async function cancelOldest(orm: Orm, trigger: string, most: number): Promise<number> {
  const cancelled = await orm.execute(sql`
    update ${invocations} set state = 'cancelled', ended_at = now(), recorded_at = now(), error_code = 'queue_full',
      error_message = 'gave way to a newer event'
    where ${invocations.id} in (
      select ${invocations.id} from ${invocations}
      where ${invocations.triggerId} = ${trigger} and ${invocations.state} = 'queued'
      order by ${invocations.seq} limit ${most} for update skip locked
    ) returning ${invocations.id}`);
  return toRows(cancelled).length;
}
