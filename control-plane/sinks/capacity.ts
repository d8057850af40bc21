/**
 * Limits how many deliveries, dead letters included, may be pending per sink. The count is refreshed periodically, so
 * the limit can be exceeded by deliveries created since the last count and by invocations already accepted.
 *
 * Nothing promised is lost at the limit: no invocation is enqueued for a function with such a sink, agents keep their
 * outcomes, and outcomes of synchronous calls, which promise nothing, do not go to that sink.
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import { fullSinks } from '../db/events/deliveries.ts';
import type { Store } from '../db/store.ts';
import type { Logger } from '../log/log.ts';
import type { CatalogFunction } from '../model/catalog-function.ts';

export type SinkCapacity = {
  /** The full sinks. */
  readonly full: ReadonlySet<string>;
  /** @throws SkerryError queue_full when a sink of the function is full */
  assertAvailable(fn: Pick<CatalogFunction, 'module' | 'name' | 'sinks'>): void;
  /** Counts when the last count is old enough. Rejects with `store_unavailable`. */
  refresh(): Promise<void>;
};

type SinkCapacityOptions = {
  readonly store: Pick<Store, 'read'>;
  readonly log: Logger;
  /** Most pending deliveries of one sink. */
  readonly max: number;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
};

/** Counting takes at most this share of the time, for any number of deliveries. */
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
      throw new SkerryError('queue_full', `a sink of ${module}/${name} is full (${most} pending deliveries)`);
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
