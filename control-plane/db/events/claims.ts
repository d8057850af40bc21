/**
 * Claims rows: they go from `queued` to `running` here, and back when they have to wait. A claim belongs to the holder
 * of the job that asks for the row, so a running row without a holder belonged to a process that died.
 */
import { and, eq, inArray, isNull, not, sql } from 'drizzle-orm';
import { invocations } from '../schema/events.ts';
import type { Orm } from '../store.ts';
import { storable, toRows, uuids } from './record.ts';

/** The fields that running an invocation needs. */
const columns = {
  id: invocations.id,
  seq: invocations.seq,
  functionId: invocations.functionId,
  module: invocations.module,
  name: invocations.name,
  origin: invocations.origin,
  triggerId: invocations.triggerId,
  attempts: invocations.attempts,
  revision: invocations.revision,
  agent: invocations.agent,
  input: invocations.input,
  http: invocations.http,
  onlyAgent: invocations.onlyAgent,
  traceparent: invocations.traceparent,
  createdAt: invocations.createdAt,
} as const;

export type Claimed = Pick<typeof invocations.$inferSelect, keyof typeof columns>;

/** An invocation that waits for its next attempt, and why. */
export type Rested = {
  readonly id: string;
  /** Attempts used so far. */
  readonly attempts: number;
  /** Absent: no error. */
  readonly error?: { readonly code: string; readonly message: string } | undefined;
};

const claimed = { state: 'running', startedAt: null } as const;
const begun = { state: 'running', startedAt: sql`now()` } as const;

/** Claims the given invocations that have not ended: waiting ones, and running ones whose process died. */
export function claim(orm: Orm, ids: readonly string[]): Promise<Claimed[]> {
  return orm
    .update(invocations)
    .set(begun)
    .where(and(inArray(invocations.id, [...ids]), inArray(invocations.state, ['queued', 'running'])))
    .returning(columns);
}

/**
 * Claims the oldest waiting invocations of one trigger, oldest first. They have not begun; until then they are shown as
 * waiting.
 * @param held ids that the caller already has
 * @param bytes largest size of all inputs; the first is included at any size
 */
export async function claimNext(
  orm: Orm,
  triggerId: string,
  held: readonly string[],
  limit: number,
  bytes: number,
): Promise<Claimed[]> {
  const rows = await orm
    .update(invocations)
    .set(claimed)
    .where(
      sql`${invocations.id} in (
        select id from (
          select id, sum(size) over (order by seq) - size as before from (
            select id, seq, coalesce(octet_length(input), 0) as size from ${invocations}
            where trigger_id = ${triggerId} and state = 'queued' and id <> all(${uuids(held)})
            order by seq limit ${limit}
          ) next
        ) sized where before < ${bytes}
      )`,
    )
    .returning(columns);
  return rows.sort((a, b) => Number(a.seq) - Number(b.seq));
}

/** Marks claimed invocations as begun. */
export async function begin(orm: Orm, ids: readonly string[]): Promise<void> {
  await orm
    .update(invocations)
    .set(begun)
    .where(and(inArray(invocations.id, [...ids]), eq(invocations.state, 'running'), isNull(invocations.startedAt)));
}

/** Returns running invocations of a trigger that the caller does not have to the queue: their process died. */
export async function reclaimLane(orm: Orm, triggerId: string, held: readonly string[]): Promise<void> {
  await orm
    .update(invocations)
    .set({ state: 'queued' })
    .where(
      and(
        eq(invocations.triggerId, triggerId),
        eq(invocations.state, 'running'),
        not(sql`${invocations.id} = any(${uuids(held)})`),
      ),
    );
}

/** @returns ids of those that wait again; others have ended meanwhile, or got a new job */
export async function rest(orm: Orm, rested: readonly Rested[]): Promise<ReadonlySet<string>> {
  if (rested.length === 0) return new Set();
  const rows = rested.map(
    ({ id, attempts, error }) =>
      sql`(${id}::uuid, ${attempts}::int, ${error?.code ?? null}::text, ${error ? storable(error.message) : null}::text)`,
  );
  const waiting = await orm.execute(sql`
    update ${invocations} set state = 'queued', attempts = r.attempts,
      error_code = coalesce(r.code, ${invocations.errorCode}),
      error_message = coalesce(r.message, ${invocations.errorMessage})
    from (values ${sql.join(rows, sql`, `)}) as r(id, attempts, code, message)
    where ${invocations.id} = r.id and ${invocations.state} = 'running'
    returning ${invocations.id}`);
  return new Set(toRows(waiting).map(({ id }) => String(id)));
}

/** The given invocations that were cancelled. */
export async function findCancelled(orm: Orm, ids: readonly string[]): Promise<string[]> {
  const rows = await orm
    .select({ id: invocations.id })
    .from(invocations)
    .where(and(inArray(invocations.id, [...ids]), eq(invocations.state, 'cancelled')));
  return rows.map(({ id }) => id);
}
