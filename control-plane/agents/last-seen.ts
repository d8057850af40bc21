/**
 * When each agent was last seen, written in batches: ten thousand agents report every few seconds, and one report is
 * not worth a statement. Losing some is fine; later reports repair it.
 */
import { toSkerryError } from '@skerry/shared/errors.ts';
import { type Sighting, writeSightings } from '../db/agents/agents.ts';
import type { Store } from '../db/store.ts';
import type { Logger } from '../log/log.ts';

type LastSeen = {
  note(agentId: string, appliedGeneration: number): void;
  /** Writes the pending times. */
  close(): Promise<void>;
};

const flushMs = 5_000;

export function createLastSeen(store: Store, log: Logger, now: () => Date): LastSeen {
  /** One entry per agent: bounded by their number. */
  let noted = new Map<string, Sighting>();
  let timer: NodeJS.Timeout | undefined;

  const flush = async () => {
    timer = undefined;
    const sightings = [...noted.values()];
    if (sightings.length === 0) return;
    noted = new Map();
    try {
      await store.change((orm) => writeSightings(orm, sightings));
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
