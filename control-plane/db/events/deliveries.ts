/** Queries on deliveries: outcomes on their way to sinks. */
import { and, asc, eq, exists, gt, inArray, isNotNull, lt, lte, type SQL, sql } from 'drizzle-orm';
import type { OutcomeRecord } from '../../model/outcome.ts';
import { deliveries, invocations, sinks } from '../schema/events.ts';
import type { Orm } from '../store.ts';

/** A pending delivery, with the parts of its document. */
export type Waiting = {
  readonly seq: number;
  /** Attempts used so far. */
  readonly attempts: number;
  /** Milliseconds until it may be tried; 0 or less: now. */
  readonly waitMs: number;
  readonly outcome: OutcomeRecord;
};

export type PageLimits = {
  /** Includes deliveries whose time has not come: nothing overtakes them. */
  readonly ordered: boolean;
  readonly documents: number;
  /** Largest size of inputs and outputs in bytes; the first is included at any size. */
  readonly bytes: number;
  /** Only deliveries after this one. */
  readonly after?: number | undefined;
};

const due = lte(deliveries.nextAt, sql`now()`);
const sizeOf = sql<number>`coalesce(octet_length(${invocations.input}), 0) + coalesce(octet_length(${invocations.output}), 0)`;

/** The deliveries of one sink, oldest first. Their invocations have all ended: a replay drops the deliveries. */
export async function nextDeliveries(
  orm: Orm,
  sinkId: string,
  { ordered, documents, bytes, after = 0 }: PageLimits,
): Promise<Waiting[]> {
  const page = orm
    .select({
      seq: deliveries.seq,
      attempts: deliveries.attempts,
      invocationId: deliveries.invocationId,
      nextAt: deliveries.nextAt,
    })
    .from(deliveries)
    .where(
      and(
        eq(deliveries.sinkId, sinkId),
        eq(deliveries.dead, false),
        gt(deliveries.seq, after),
        ordered ? undefined : due,
      ),
    )
    .orderBy(asc(deliveries.seq))
    .limit(documents)
    .as('page');
  const sized = orm
    .select({
      seq: page.seq,
      attempts: page.attempts,
      invocationId: page.invocationId,
      waitMs: sql<number>`extract(epoch from ${page.nextAt} - now()) * 1000`.as('wait_ms'),
      before: sql<number>`sum(${sizeOf}) over (order by ${page.seq}) - (${sizeOf})`.as('before'),
    })
    .from(page)
    .innerJoin(invocations, eq(invocations.id, page.invocationId))
    .as('sized');
  const rows = await orm
    .select({
      seq: sized.seq,
      attempts: sized.attempts,
      waitMs: sized.waitMs,
      id: invocations.id,
      module: invocations.module,
      name: invocations.name,
      revision: invocations.revision,
      agent: invocations.agent,
      trigger: invocations.triggerId,
      origin: invocations.origin,
      createdAt: invocations.createdAt,
      startedAt: invocations.startedAt,
      endedAt: invocations.endedAt,
      runs: invocations.attempts,
      input: invocations.input,
      output: invocations.output,
      errorCode: invocations.errorCode,
      errorMessage: invocations.errorMessage,
      state: invocations.state,
    })
    .from(sized)
    .innerJoin(invocations, eq(invocations.id, sized.invocationId))
    .where(lt(sized.before, bytes))
    .orderBy(asc(sized.seq));
  return rows.map(({ seq, attempts, waitMs, runs, errorCode, errorMessage, state, ...row }) => ({
    seq,
    attempts,
    waitMs: Number(waitMs),
    outcome: {
      ...row,
      attempts: runs,
      // A successful invocation keeps the error of its previous attempt.
      error: state === 'succeeded' || !errorCode ? undefined : { code: errorCode, message: errorMessage ?? '' },
    },
  }));
}

/** The results of tried deliveries. */
export type DeliverySettlement = {
  /** Delivered, so they are removed. */
  readonly taken: readonly number[];
  /** An attempt was used. `waitMs` undefined: it is a dead letter now. */
  readonly spent: readonly { readonly seq: number; readonly reason: string; readonly waitMs: number | undefined }[];
  /** Why the sink as a whole fails, and how often in a row; undefined: it was reached. */
  readonly down: { readonly reason: string; readonly failures: number } | undefined;
};

/** Idempotent, as far as a repeat of the same settlement removes the same rows. */
export async function settleDeliveries(
  orm: Orm,
  sinkId: string,
  { taken, spent, down }: DeliverySettlement,
): Promise<void> {
  const ours = (seqs: readonly number[]) => and(eq(deliveries.sinkId, sinkId), inArray(deliveries.seq, [...seqs]));
  const gone =
    taken.length === 0 ? [] : await orm.delete(deliveries).where(ours(taken)).returning({ seq: deliveries.seq });
  for (const { seq, reason, waitMs } of spent) {
    await orm
      .update(deliveries)
      .set({
        attempts: sql`${deliveries.attempts} + 1`,
        error: reason,
        dead: waitMs === undefined,
        nextAt: sql`now() + ${(waitMs ?? 0) / 1_000} * interval '1 second'`,
      })
      .where(ours([seq]));
  }
  await orm
    .update(sinks)
    .set({
      error: down?.reason ?? null,
      failures: down?.failures ?? 0,
      ...(gone.length > 0 && {
        delivered: sql`${sinks.delivered} + ${gone.length}`,
        lastDeliveredAt: sql`now()`,
      }),
    })
    .where(eq(sinks.id, sinkId));
}

/** Stores why a sink fails, or that it works again. */
export async function noteSinkError(orm: Orm, sinkId: string, error: string | undefined): Promise<void> {
  const changes = error === undefined ? { error: null, failures: 0 } : { error, failures: 1 };
  const where = error === undefined ? and(eq(sinks.id, sinkId), isNotNull(sinks.error)) : eq(sinks.id, sinkId);
  await orm.update(sinks).set(changes).where(where);
}

/** The given sinks that have deliveries due now. */
export async function sinksWithDue(orm: Orm, sinkIds: readonly string[]): Promise<string[]> {
  if (sinkIds.length === 0) return [];
  const waiting = orm
    .select({ seq: deliveries.seq })
    .from(deliveries)
    .where(and(eq(deliveries.sinkId, sinks.id), eq(deliveries.dead, false), due));
  const rows = await orm
    .select({ id: sinks.id })
    .from(sinks)
    .where(and(inArray(sinks.id, [...sinkIds]), exists(waiting)));
  return rows.map(({ id }) => id);
}

export type SinkRecord = {
  readonly id: string;
  readonly waiting: number;
  readonly dead: number;
  /** Age of the oldest pending delivery, in seconds. */
  readonly lagSeconds: number;
  readonly delivered: number;
  readonly lastDeliveredAt: Date | null;
  readonly error: string | null;
  readonly failures: number;
};

/** The state of all sinks, or of those of one function. */
export async function sinkRecords(orm: Orm, functionId?: string): Promise<SinkRecord[]> {
  const counted = orm
    .select({
      sinkId: deliveries.sinkId,
      waiting: sql<number>`count(*) filter (where not ${deliveries.dead})`.as('waiting'),
      dead: sql<number>`count(*) filter (where ${deliveries.dead})`.as('dead_letters'),
      oldest: sql<Date>`min(${deliveries.createdAt}) filter (where not ${deliveries.dead})`.as('oldest'),
    })
    .from(deliveries)
    .where(functionId === undefined ? undefined : inArray(deliveries.sinkId, selectSinkIds(orm, functionId)))
    .groupBy(deliveries.sinkId)
    .as('counted');
  return orm
    .select({
      id: sinks.id,
      waiting: sql`coalesce(${counted.waiting}, 0)`.mapWith(Number),
      dead: sql`coalesce(${counted.dead}, 0)`.mapWith(Number),
      lagSeconds: sql`greatest(0, coalesce(extract(epoch from now() - ${counted.oldest}), 0))`.mapWith(Number),
      delivered: sinks.delivered,
      lastDeliveredAt: sinks.lastDeliveredAt,
      error: sinks.error,
      failures: sinks.failures,
    })
    .from(sinks)
    .leftJoin(counted, eq(counted.sinkId, sinks.id))
    .where(functionId === undefined ? undefined : eq(sinks.functionId, functionId));
}

/** Sinks that have this number of pending deliveries, dead letters included. */
export async function fullSinks(orm: Orm, most: number): Promise<string[]> {
  const rows = await orm
    .select({ sinkId: deliveries.sinkId })
    .from(deliveries)
    .groupBy(deliveries.sinkId)
    .having(sql`count(*) >= ${most}`);
  return rows.map(({ sinkId }) => sinkId);
}

export type DeadLetter = {
  readonly seq: number;
  readonly invocationId: string;
  readonly error: string | null;
  readonly attempts: number;
  readonly createdAt: Date;
};

/** Oldest first. @param after the `seq` of the last one of the previous page; 0: from the first */
export async function deadLetters(orm: Orm, sinkId: string, after: number, limit: number): Promise<DeadLetter[]> {
  return orm
    .select({
      seq: deliveries.seq,
      invocationId: deliveries.invocationId,
      error: deliveries.error,
      attempts: deliveries.attempts,
      createdAt: deliveries.createdAt,
    })
    .from(deliveries)
    .where(and(eq(deliveries.sinkId, sinkId), eq(deliveries.dead, true), gt(deliveries.seq, after)))
    .orderBy(asc(deliveries.seq))
    .limit(limit);
}

/**
 * Returns dead letters to the queue, in their old positions and with all their attempts.
 *
 * @param which ids of invocations; absent: all
 * @returns how many; at most `limit` at once
 */
export async function replayDead(
  orm: Orm,
  sinkId: string,
  which: readonly string[] | undefined,
  limit: number,
): Promise<number> {
  const named: SQL | undefined = which && inArray(deliveries.invocationId, [...which]);
  const some = orm
    .select({ seq: deliveries.seq })
    .from(deliveries)
    .where(and(eq(deliveries.sinkId, sinkId), eq(deliveries.dead, true), named))
    .orderBy(asc(deliveries.seq))
    .limit(limit);
  const replayed = await orm
    .update(deliveries)
    .set({ dead: false, attempts: 0, error: null, nextAt: sql`now()` })
    .where(inArray(deliveries.seq, some))
    .returning({ seq: deliveries.seq });
  return replayed.length;
}

function selectSinkIds(orm: Orm, functionId: string) {
  return orm.select({ id: sinks.id }).from(sinks).where(eq(sinks.functionId, functionId));
}
