/** The agents that must hold a function, with their state: connected ones from memory, the others as last reported. */
import { labelsMatch } from '@skerry/shared/function/names.ts';
import type { AgentService } from '../agents/agents.ts';
import type { FullCatalog } from '../catalog/catalog.ts';
import type { CatalogFunction } from '../model/catalog-function.ts';
import type { ConnectedFunctionAgent, Hub } from './hub.ts';

/**
 * `ready`: calls run there. `waiting`: it does not have the current revision yet. `failed`: it could not apply it.
 * `held_back`: it refuses calls for a while. `unknown`: it is offline.
 */
export const functionAgentStates = ['ready', 'waiting', 'failed', 'held_back', 'unknown'] as const;

export type FunctionAgent = {
  readonly id: string;
  readonly name: string;
  readonly online: boolean;
  /**
   * Whether the current revision is ready there. For an offline agent: false when it never reported to have seen that
   * revision; otherwise null, since it may have reported an error for it, which is known only while its tunnel is up.
   */
  readonly holds: boolean | null;
  /** Why it could not apply the current revision. */
  readonly error?: string | undefined;
  readonly state: (typeof functionAgentStates)[number];
  /** Why it holds the function back, in words, and for how many milliseconds from now. */
  readonly reason?: string;
  readonly retryInMs?: number;
};

type FunctionAgentsOptions = {
  readonly hub: Pick<Hub, 'functionAgents'>;
  readonly agents: Pick<AgentService, 'list'>;
  readonly catalog: Pick<FullCatalog, 'storeUp'>;
};

/** By name. While the database is away, offline agents are left out. */
export async function findFunctionAgents(
  { hub, agents, catalog }: FunctionAgentsOptions,
  fn: CatalogFunction,
): Promise<readonly FunctionAgent[]> {
  const online = hub.functionAgents(fn).map((holder): FunctionAgent => {
    const { id, name, holds, error } = holder;
    return { id, name, online: true, holds, error, ...stateOf(holder) };
  });
  const seen = new Set(online.map(({ id }) => id));
  const known = catalog.storeUp ? await agents.list().catch(() => []) : [];
  const offline = known
    .filter(({ id, labels }) => !seen.has(id) && labelsMatch(fn.manifest.placement.labels, labels))
    .map(({ id, name, applied }): FunctionAgent => {
      const holds = applied < fn.since ? false : null;
      return { id, name, online: false, holds, state: 'unknown' };
    });
  return [...online, ...offline].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function stateOf({
  holds,
  error,
  heldForMs,
}: ConnectedFunctionAgent): Pick<FunctionAgent, 'state' | 'reason' | 'retryInMs'> {
  if (error !== undefined) return { state: 'failed' };
  if (heldForMs === undefined) return { state: holds ? 'ready' : 'waiting' };
  const then = heldForMs === 0 ? 'the next call is a trial' : 'then one call is let through as a trial';
  const reason = `the function ended its runner several times; ${then}`;
  return { state: 'held_back', reason, retryInMs: heldForMs };
}
