/** Reads stored invocations. */
import { and, asc, desc, eq, gte, isNotNull, isNull, lt, or, type SQL, sql } from 'drizzle-orm';
import type { InvocationState } from '../../model/origin.ts';
import { deliveries, invocations, sinks } from '../schema/events.ts';
import type { Orm } from '../store.ts';

/** A claimed invocation that has not begun still counts as waiting. */
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

/** A delivery that is still pending. */
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
  /** `seq` of the last one of the previous page. */
  readonly after?: number | undefined;
  readonly limit: number;
};

/** Last stored first, regardless of devices' clocks. */
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

/** The state as the API shows it. */
function inState(state: InvocationState): SQL | undefined {
  const running = eq(invocations.state, 'running');
  if (state === 'queued') return or(eq(invocations.state, 'queued'), and(running, isNull(invocations.startedAt)));
  return state === 'running' ? and(running, isNotNull(invocations.startedAt)) : eq(invocations.state, state);
}
