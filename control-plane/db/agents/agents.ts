/** Statements on agents. A revoked agent keeps its row, so that its key is never admitted again. */
import type { Labels } from '@skerry/shared/function/names.ts';
import { and, asc, eq, isNotNull, isNull, sql } from 'drizzle-orm';
import { isUuid } from '../ids.ts';
import { agents } from '../schema/catalog.ts';
import type { Orm } from '../store.ts';

export type AgentRow = typeof agents.$inferSelect;

/** The data that an agent reports about itself when it connects. */
type AgentReport = {
  readonly publicKey: Uint8Array;
  readonly name: string;
  readonly labels: Labels;
  readonly agentVersion: string;
};

/** All that are not revoked, by name. */
export function listAgents(orm: Orm): Promise<AgentRow[]> {
  return orm.select().from(agents).where(isNull(agents.revokedAt)).orderBy(asc(agents.name));
}

/** Undefined when the agent does not exist or is revoked. */
export async function findAgent(orm: Orm, idOrName: string): Promise<AgentRow | undefined> {
  const [row] = await orm.select().from(agents).where(matchActive(idOrName));
  return row;
}

/** @returns the agent, undefined when it does not exist or was revoked before */
export async function revokeAgent(orm: Orm, idOrName: string, at: Date): Promise<AgentRow | undefined> {
  const [row] = await orm.update(agents).set({ revokedAt: at }).where(matchActive(idOrName)).returning();
  return row;
}

/**
 * Writes the agent's report and raises its epoch above the stored one and `minEpoch`.
 * @returns undefined when no agent has this key, or when it is revoked
 */
export async function updateAgent(
  orm: Orm,
  { publicKey, name, labels, agentVersion }: AgentReport,
  at: Date,
  minEpoch: number,
): Promise<AgentRow | undefined> {
  const [row] = await orm
    .update(agents)
    .set({
      name,
      labels,
      version: agentVersion,
      epoch: sql`greatest(${agents.epoch}, ${minEpoch}::bigint) + 1`,
      lastSeenAt: at,
    })
    .where(and(eq(agents.publicKey, publicKey), isNull(agents.revokedAt)))
    .returning();
  return row;
}

export async function isRevokedKey(orm: Orm, publicKey: Uint8Array): Promise<boolean> {
  const rows = await orm
    .select({ id: agents.id })
    .from(agents)
    .where(and(eq(agents.publicKey, publicKey), isNotNull(agents.revokedAt)));
  return rows.length > 0;
}

/** Rejects with a violation of `agents_name_unique` or `agents_public_key_unique` when the name or the key is taken. */
export async function insertAgent(
  orm: Orm,
  { publicKey, name, labels, agentVersion }: AgentReport,
  grantedLabels: Labels,
  at: Date,
): Promise<AgentRow | undefined> {
  const report = { publicKey, name, labels, version: agentVersion };
  const [row] = await orm
    .insert(agents)
    .values({ ...report, grantedLabels, epoch: 1, createdAt: at, lastSeenAt: at })
    .returning();
  return row;
}

export type Sighting = {
  /** Id of the agent. */
  readonly id: string;
  /** Generation that the agent reported as applied. */
  readonly applied: number;
  readonly at: Date;
};

/** Writes the sightings of any number of agents in one statement. */
export async function writeSightings(orm: Orm, sightings: readonly Sighting[]): Promise<void> {
  await orm.execute(sql`
    update ${agents} set applied = seen.applied, last_seen_at = seen.at
    from jsonb_to_recordset(${JSON.stringify(sightings)}::jsonb) as seen(id uuid, applied bigint, at timestamptz)
    where ${agents}.id = seen.id`);
}

function matchActive(idOrName: string) {
  return and(isUuid(idOrName) ? eq(agents.id, idOrName) : eq(agents.name, idOrName), isNull(agents.revokedAt));
}
