/**
 * Counts of sinks for metrics. Pending deliveries are counted in the database, at most every few seconds for any number
 * of scrapes, and never for a control plane without sinks. While the database is away the last count stays.
 */
import type { Catalog } from '../catalog/catalog.ts';
import type { Deliverers } from './deliverers.ts';
import type { SinkService } from './sinks.ts';

export type SinkMetrics = {
  readonly sink: string;
  readonly type: string;
  /** Of all control planes together, so all of them report the same. */
  readonly waiting: number;
  readonly dead: number;
  readonly lagSeconds: number;
  /** Of this control plane since its start. */
  readonly delivered: number;
  readonly failures: number;
};

type SinkMetricsOptions = {
  readonly catalog: Pick<Catalog, 'functions'>;
  readonly sinks: Pick<SinkService, 'list'>;
  readonly deliverers: Pick<Deliverers, 'counts'>;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  readonly maxAgeMs?: number;
};

export function createSinkMetrics(options: SinkMetricsOptions): () => Promise<readonly SinkMetrics[]> {
  const { catalog, sinks, deliverers, now, maxAgeMs = 5_000 } = options;
  let counted: Awaited<ReturnType<SinkService['list']>> = [];
  let countedAt = Number.NEGATIVE_INFINITY;
  let counting: Promise<void> | undefined;

  const count = async () => {
    counted = await sinks.list().catch(() => counted);
    countedAt = now();
    counting = undefined;
  };
  return async () => {
    if (![...catalog.functions()].some((fn) => fn.sinks.length > 0)) return [];
    if (now() - countedAt > maxAgeMs) counting ??= count();
    await counting;
    const counts = deliverers.counts();
    return counted.map(({ id, spec, waiting, dead, lagSeconds }) => ({
      sink: id,
      type: spec.type,
      waiting,
      dead,
      lagSeconds,
      delivered: counts.get(id)?.delivered ?? 0,
      failures: counts.get(id)?.failures ?? 0,
    }));
  };
}
