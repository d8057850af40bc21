/** Which agents shall hold a function, and which do. Connected ones out of memory; the others as last reported. */
import { labelsMatch } from '@skerry/shared/names.ts';
import type { AgentService } from './agents.ts';
import type { Directory } from './catalog.ts';
import type { CatalogFunction } from './catalog-function.ts';
import type { Hub } from './tunnel/hub.ts';

export type Holder = {
  readonly id: string;
  readonly name: string;
  readonly online: boolean;
  /**
   * Whether the current revision is ready there. For an agent that is offline: false when it never said that it had
   * taken note of it; else null, since it may have reported an error with that, which is known only while its tunnel
   * stands.
   */
  readonly holds: boolean | null;
  /** Why it could not apply the current revision. */
  readonly error?: string | undefined;
};

export type HoldersOptions = {
  readonly hub: Pick<Hub, 'holders'>;
  readonly agents: Pick<AgentService, 'list'>;
  readonly catalog: Pick<Directory, 'storeUp'>;
};

/** By name. While the database is away, agents that are offline are left out. */
export async function findHolders(
  { hub, agents, catalog }: HoldersOptions,
  fn: CatalogFunction,
): Promise<readonly Holder[]> {
  const online = hub.holders(fn).map((holder) => ({ ...holder, online: true }));
  const seen = new Set(online.map(({ id }) => id));
  const known = catalog.storeUp ? await agents.list().catch(() => []) : [];
  const offline = known
    .filter(({ id, labels }) => !seen.has(id) && labelsMatch(fn.manifest.placement.labels, labels))
    .map(({ id, name, applied }) => ({ id, name, online: false, holds: applied < fn.since ? false : null }));
  return [...online, ...offline].sort((a, b) => (a.name < b.name ? -1 : 1));
}
