/** Kept invocations as they are read back. */
import { and, asc, desc, eq, gte, isNotNull, isNull, lt, or, type SQL, sql } from 'drizzle-orm';
import type { InvocationState } from '../../model/origin.ts';
import { deliveries, invocations, sinks } from '../schema/events.ts';
import type { Orm } from '../store.ts';

/** One that is claimed waits for its turn still, as long as it has not begun. */
const state = sql<InvocationState>`case when ${invocations.state} = 'running' and ${invocations.startedAt} is null
  then 'queued' else ${invocations.state} end`.as('shown_state');

const brief = {
  id: invocations.id,
  seq: invocations.seq,
  functionId: invocations.functionId,
  module: invocations.module,
  name: invocations.name,
  revision: invocations.revision,
  state,
  origin: invocations.origin,
  triggerId: invocations.triggerId,
  agent: invocations.agent,
  onlyAgent: invocations.onlyAgent,
  attempts: invocations.attempts,
  errorCode: invocations.errorCode,
  errorMessage: invocations.errorMessage,
  callbackUrl: invocations.callbackUrl,
  callbackDelivered: invocations.callbackDelivered,
  createdBy: invocations.createdBy,
  createdAt: invocations.createdAt,
  startedAt: invocations.startedAt,
  endedAt: invocations.endedAt,
} as const;
const whole = { ...brief, input: invocations.input, output: invocations.output } as const;

/** Without input and output. */
export type InvocationRow = Pick<typeof invocations.$inferSelect, keyof typeof brief>;
export type WholeInvocation = Pick<typeof invocations.$inferSelect, keyof typeof whole>;

/** One that is on its way to a sink still. */
export type DeliveryRow = {
  readonly sinkId: string;
  readonly type: string;
  readonly dead: boolean;
  readonly attempts: number;
  readonly error: string | null;
};

export async function findInvocation(orm: Orm, id: string): Promise<WholeInvocation | undefined> {
  const [row] = await orm.select(whole).from(invocations).where(eq(invocations.id, id));
  return row;
}

export function readDeliveries(orm: Orm, invocationId: string): Promise<DeliveryRow[]> {
  return orm
    .select({
      sinkId: deliveries.sinkId,
      type: sql<string>`${sinks.spec}->>'type'`,
      dead: deliveries.dead,
      attempts: deliveries.attempts,
      error: deliveries.error,
    })
    .from(deliveries)
    .innerJoin(sinks, eq(sinks.id, deliveries.sinkId))
    .where(eq(deliveries.invocationId, invocationId))
    .orderBy(asc(deliveries.seq));
}

export type InvocationFilter = {
  readonly module?: string | undefined;
  readonly name?: string | undefined;
  readonly state?: InvocationState | undefined;
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  /** `seq` of the last one of the page before. */
  readonly after?: number | undefined;
  readonly limit: number;
};

/** Those that were kept last come first, whatever devices say about the time. */
export function listInvocations(orm: Orm, filter: InvocationFilter): Promise<InvocationRow[]> {
  const { module, name, since, until, after, limit } = filter;
  const conditions: (SQL | undefined)[] = [
    module !== undefined ? eq(invocations.module, module) : undefined,
    name !== undefined ? eq(invocations.name, name) : undefined,
    filter.state && inState(filter.state),
    since && gte(invocations.createdAt, since),
    until && lt(invocations.createdAt, until),
    after === undefined ? undefined : lt(invocations.seq, after),
  ];
  return orm
    .select(brief)
    .from(invocations)
    .where(and(...conditions))
    .orderBy(desc(invocations.seq))
    .limit(limit);
}

/** As it is shown. */
function inState(state: InvocationState): SQL | undefined {
  const running = eq(invocations.state, 'running');
  if (state === 'queued') return or(eq(invocations.state, 'queued'), and(running, isNull(invocations.startedAt)));
  return state === 'running' ? and(running, isNotNull(invocations.startedAt)) : eq(invocations.state, state);
}
