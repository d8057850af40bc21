/**
 * Records outcomes: the ended invocations, the deliveries to sinks, and the counts of triggers. The number of
 * statements is fixed for any number of outcomes.
 *
 * Invariants: an invocation ends once, and only outcomes that end it now make deliveries and are counted. A waiting or
 * running row is ended only by an outcome of the same function and trigger.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { EndedInvocation } from '../../model/invocation.ts';
import type { InvocationState } from '../../model/origin.ts';
import { deliveries, invocations, sinks, triggerCounts, triggers } from '../schema/events.ts';
import { pieces, rowsToInsert } from '../schema/recordset.ts';
import type { Orm } from '../store.ts';

/** Characters of an error's message that are stored. */
const maxMessageLength = 4_096;

export type Recorded = {
  /** Invocations that ended now and have a callback. */
  readonly callbacks: readonly string[];
  /** How many ended now, by state. */
  readonly states: ReadonlyMap<InvocationState, number>;
  /** Sinks that have new deliveries. */
  readonly sinkIds: ReadonlySet<string>;
};

/**
 * Within the caller's transaction.
 * @param without sinks that get no delivery
 */
export async function recordEnded(
  orm: Orm,
  ended: readonly EndedInvocation[],
  without: ReadonlySet<string> = new Set(),
): Promise<Recorded> {
  const callbacks: string[] = [];
  const states = new Map<InvocationState, number>();
  const sinkIds = new Set<string>();
  const places = new Map(ended.map(({ id }, place) => [id, place]));
  // In one order everywhere: two processes that record the same outcomes at once do not wait for each other in a
  // circle.
  const ordered = ended.filter((one, place) => places.get(one.id) === place).sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const piece of pieces(ordered, countBytes)) {
    const some = await end(orm, piece);
    if (some.length === 0) continue;
    const ids = some.map(({ id }) => id).sort((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0));
    for (const { id, state, callback } of some) {
      if (callback) callbacks.push(id);
      states.set(state, (states.get(state) ?? 0) + 1);
    }
    for (const id of await sendOn(orm, ids, [...without])) sinkIds.add(id);
    await count(orm, ids);
  }
  return { callbacks, states, sinkIds };
}

function countBytes({ input, result }: EndedInvocation): number {
  return (input?.byteLength ?? 0) + (result.ok ? result.output.byteLength : 0);
}

type Ended = { readonly id: string; readonly state: InvocationState; readonly callback: boolean };

const columns = {
  id: 'uuid',
  function_id: 'uuid',
  module: 'text',
  name: 'text',
  origin: 'text',
  trigger_id: 'uuid',
  state: 'text',
  revision: 'integer',
  agent: 'text',
  attempts: 'integer',
  input: 'bytea',
  output: 'bytea',
  error_code: 'text',
  error_message: 'text',
  created_at: 'timestamptz',
  started_at: 'timestamptz',
  ended_at: 'timestamptz',
} as const;

/** The invocations that ended by this. A successful one drops its input, unless a sink needs it. */
async function end(orm: Orm, ended: readonly EndedInvocation[]): Promise<Ended[]> {
  const rows = await orm.execute(sql`
    insert into ${invocations} as kept ${rowsToInsert(columns, ended.map(toRow))}
    on conflict (id) do update set
      state = excluded.state, revision = excluded.revision, agent = excluded.agent, attempts = excluded.attempts,
      input = case when excluded.state = 'succeeded' then excluded.input else kept.input end,
      output = excluded.output, error_code = excluded.error_code, error_message = excluded.error_message,
      started_at = excluded.started_at, ended_at = excluded.ended_at, recorded_at = now()
    where kept.state in ('queued', 'running') and kept.function_id = excluded.function_id
      and kept.trigger_id is not distinct from excluded.trigger_id
    returning id, state, callback_url is not null as callback`);
  return toRows(rows) as Ended[];
}

function toRow(one: EndedInvocation) {
  const { result } = one;
  const state: InvocationState = result.ok ? 'succeeded' : result.code === 'cancelled' ? 'cancelled' : 'dead';
  return {
    id: one.id,
    function_id: one.functionId,
    module: one.module,
    name: one.name,
    origin: one.origin,
    trigger_id: one.triggerId ?? null,
    state,
    revision: one.revision,
    agent: one.agent ?? null,
    attempts: one.attempts,
    input: one.input ?? null,
    output: result.ok ? result.output : null,
    error_code: result.ok ? null : result.code,
    error_message: result.ok ? null : storable(result.message),
    created_at: one.createdAt,
    started_at: one.startedAt,
    ended_at: one.endedAt,
  };
}

/** Postgres stores no NUL in text, and no half of a surrogate pair. */
export function storable(message: string): string {
  return message.slice(0, maxMessageLength).toWellFormed().replaceAll('\0', '\u{fffd}');
}

/**
 * Inserts one delivery for each outcome and each sink of its function that selects it; returns the sinks. A sink that
 * is being removed meanwhile is waited for, and left out.
 */
async function sendOn(orm: Orm, ids: readonly string[], without: readonly string[]): Promise<string[]> {
  const wanted = sql`${sinks.spec}->'params'->>'on'`;
  const rows = await orm.execute(sql`
    with sent as (
      insert into ${deliveries} (sink_id, invocation_id)
      select s.id, ${invocations.id} from unnest(${uuids(ids)}) with ordinality as ended(id, n)
      join ${invocations} on ${invocations.id} = ended.id
      join lateral (
        select ${sinks.id} from ${sinks} where ${sinks.functionId} = ${invocations.functionId}
          and ${sinks.id} <> all(${uuids(without)}) and (
          (${invocations.state} = 'succeeded' and ${wanted} in ('success', 'all')) or
          (${invocations.state} = 'dead' and ${wanted} in ('failure', 'all')))
        for key share
      ) s on true
      order by ended.n
      on conflict do nothing
      returning sink_id
    )
    select distinct sink_id from sent`);
  return toRows(rows).map(({ sink_id }) => String(sink_id));
}

/**
 * An invalid event counts neither as run nor as failed, but as dropped. Events of triggers on devices count as
 * received, and as dropped, when their outcome arrives; for other triggers the listener counts them
 * (trigger-counts.ts).
 */
async function count(orm: Orm, ids: readonly string[]): Promise<void> {
  const onDevice = sql`${triggers.spec}->'params'->>'placement' = 'edge'`;
  const fit = sql`${invocations.errorCode} is distinct from 'event_invalid'`;
  await orm.execute(sql`
    insert into ${triggerCounts} (trigger_id, received, run, failed, dropped)
    select t.id, case when t.on_device then c.ended else 0 end, c.run, c.failed,
      case when t.on_device then c.ended - c.run else 0 end from (
      select ${invocations.triggerId} as trigger_id, count(*) as ended,
        count(*) filter (where ${fit}) as run,
        count(*) filter (where ${invocations.state} = 'dead' and ${fit}) as failed
      from ${invocations} where ${invocations.id} = any(${uuids(ids)}) and ${invocations.triggerId} is not null
      group by ${invocations.triggerId}
    ) c join lateral (
      select ${triggers.id}, ${onDevice} as on_device from ${triggers} where ${triggers.id} = c.trigger_id for key share
    ) t on true
    order by t.id
    on conflict (trigger_id) do update set received = ${triggerCounts.received} + excluded.received,
      run = ${triggerCounts.run} + excluded.run, failed = ${triggerCounts.failed} + excluded.failed,
      dropped = ${triggerCounts.dropped} + excluded.dropped`);
}

/** As one parameter: a list of parameters would be planned again for every length. */
export function uuids(ids: readonly string[]): SQL {
  return sql`${`{${ids.join(',')}}`}::uuid[]`;
}

/** Rows of a hand-written statement. */
export function toRows(result: unknown): readonly Record<string, unknown>[] {
  return (result as { readonly rows: readonly Record<string, unknown>[] }).rows;
}
