/**
 * When each agent was last heard of, written in batches: ten thousand agents report every few seconds, and none of
 * these reports is worth a statement of its own. Losing some is fine; the next ones repair it.
 */
import { toSkerryError } from '@skerry/shared/errors.ts';
import { sql } from 'drizzle-orm';
import { agents } from '../db/schema/catalog.ts';
import type { Store } from '../db/store.ts';
import type { Logger } from '../log/log.ts';

export type LastSeen = {
  note(agentId: string, appliedGeneration: number): void;
  /** Writes what is left. */
  close(): Promise<void>;
};

const flushMs = 5_000;

export function createLastSeen(store: Store, log: Logger, now: () => Date): LastSeen {
  /** One entry per agent: bounded by their number. */
  let noted = new Map<string, { id: string; applied: number; at: Date }>();
  let timer: NodeJS.Timeout | undefined;

  const flush = async () => {
    timer = undefined;
    const rows = JSON.stringify([...noted.values()]);
    if (noted.size === 0) return;
    noted = new Map();
    try {
      await store.change((orm) =>
        orm.execute(sql`
          update ${agents} set applied = seen.applied, last_seen_at = seen.at
          from jsonb_to_recordset(${rows}::jsonb) as seen(id uuid, applied bigint, at timestamptz)
          where ${agents}.id = seen.id`),
      );
    } catch (error) {
      log.debug({ reason: toSkerryError(error).message }, 'sightings of agents were not written');
    }
  };

  return {
    note(agentId, appliedGeneration) {
      noted.set(agentId, { id: agentId, applied: appliedGeneration, at: now() });
      timer ??= setTimeout(flush, flushMs).unref();
    },
    async close() {
      clearTimeout(timer);
      await flush();
    },
  };
}
