/**
 * How much may wait for a sink: outcomes on their way and dead letters together. Counted in the database now and then,
 * so that the bound may be passed by what came since, and by what was taken in before to be run.
 *
 * What happens at the bound loses nothing that was promised: nothing more is taken in to be run for a function with such
 * a sink, agents keep their outcomes, and outcomes of synchronous calls, which promise nothing, do not go to that sink.
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import { fullSinks } from '../db/events/deliveries.ts';
import type { Store } from '../db/store.ts';
import type { Logger } from '../log/log.ts';
import type { CatalogFunction } from '../model/catalog-function.ts';

export type SinkCapacity = {
  /** Sinks for which as much waits as may. */
  readonly full: ReadonlySet<string>;
  /** @throws SkerryError queue_full when a sink of the function is full */
  assertAvailable(fn: Pick<CatalogFunction, 'module' | 'name' | 'sinks'>): void;
  /** Counts, when the last count is old enough. Rejects with `store_unavailable`. */
  refresh(): Promise<void>;
};

export type SinkCapacityOptions = {
  readonly store: Pick<Store, 'read'>;
  readonly log: Logger;
  /** Deliveries of one sink. */
  readonly max: number;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
};

/** Counting takes this share of the time at most, however much there is to count. */
const countShare = 0.02;

export function createSinkCapacity({ store, log, max: most, now }: SinkCapacityOptions): SinkCapacity {
  let full: ReadonlySet<string> = new Set();
  let nextAt = Number.NEGATIVE_INFINITY;
  return {
    get full() {
      return full;
    },
    assertAvailable({ module, name, sinks }) {
      if (!sinks.some(({ id }) => full.has(id))) return;
      throw new SkerryError('queue_full', `a sink of ${module}/${name} is full: ${most} outcomes wait for it`);
    },
    async refresh() {
      const begun = now();
      if (begun < nextAt) return;
      const before = full;
      full = new Set(await store.read((orm) => fullSinks(orm, most)));
      nextAt = now() + (now() - begun) / countShare;
      for (const sink of full) if (!before.has(sink)) log.error({ sink, most }, 'a sink is full');
      for (const sink of before) if (!full.has(sink)) log.info({ sink }, 'a sink has room again');
    },
  };
}
