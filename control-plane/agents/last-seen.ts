/**
 * When each agent was last seen, written in batches: ten thousand agents report every few seconds, and one report is
 * not worth a statement. Losing some is fine; later reports repair it.
 */
import { toSkerryError } from '@skerry/shared/errors.ts';
import { sql } from 'drizzle-orm';
import { agents } from '../db/schema/catalog.ts';
import type { Store } from '../db/store.ts';
import type { Logger } from '../log/log.ts';

export type LastSeen = {
  note(agentId: string, appliedGeneration: number): void;
  /** Writes the pending times. */
  close(): Promise<void>;
};

const flushMs = 5_000;

export function createLastSeen(store: Store, log: Logger, now: () => Date): LastSeen {
  /** At most one entry per agent. */
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
      log.debug({ reason: toSkerryError(error).message }, 'the last-seen times of agents were not written');
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
