/**
 * The state of sinks, for people and for metrics: pending deliveries, dead letters and failures; and replays of dead
 * letters.
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Sink } from '@skerry/shared/function/sinks.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { type DeadLetter, deadLetters, replayDead, type SinkRecord, sinkRecords } from '../db/events/deliveries.ts';
import { isUuid } from '../db/ids.ts';
import type { Store } from '../db/store.ts';
import type { Binding, CatalogFunction } from '../model/catalog-function.ts';
import type { SinkCapacity } from './capacity.ts';
import type { Deliverers } from './deliverers.ts';

export type SinkState = SinkRecord & {
  readonly fn: CatalogFunction;
  readonly spec: Sink;
  readonly nextTryAt: Date | undefined;
  /** The sink is full. */
  readonly full: boolean;
};

type DeadLetterPage = {
  readonly letters: readonly DeadLetter[];
  /** `after` of the next page; undefined on the last one. */
  readonly next: number | undefined;
};

export type SinkService = {
  /** By function, then oldest first. @throws SkerryError store_unavailable. The methods below throw the same. */
  list(fn?: CatalogFunction): Promise<readonly SinkState[]>;
  /** Oldest first. @throws SkerryError not_found */
  dead(sinkId: string, after: number, limit: number): Promise<DeadLetterPage>;
  /**
   * Returns dead letters to the queue, with all their attempts.
   * @param invocations absent: all of them
   * @returns how many. @throws SkerryError not_found
   */
  replay(sinkId: string, invocations?: readonly string[]): Promise<number>;
};

type SinkServiceOptions = {
  readonly store: Store;
  readonly catalog: Pick<Catalog, 'functions'>;
  readonly deliverers: Pick<Deliverers, 'nextTry' | 'wake'>;
  readonly sinkCapacity: Pick<SinkCapacity, 'full'>;
};

/** Dead letters that one statement replays. */
const replayBatch = 5_000;

export function createSinkService({ store, catalog, deliverers, sinkCapacity }: SinkServiceOptions): SinkService {
  const need = (sinkId: string): void => {
    const known = [...catalog.functions()].some((fn) => fn.sinks.some(({ id }) => id === sinkId));
    if (!known) throw new SkerryError('not_found', `There is no sink "${sinkId}"`);
  };
  return {
    async list(only) {
      const records = await store.read((orm) => sinkRecords(orm, only?.id));
      const byId = new Map(records.map((record) => [record.id, record]));
      const toState = (fn: CatalogFunction, { id, spec }: Binding<Sink>): SinkState[] => {
        const record = byId.get(id);
        return record
          ? [{ ...record, fn, spec, nextTryAt: deliverers.nextTry(id), full: sinkCapacity.full.has(id) }]
          : [];
      };
      return (only ? [only] : [...catalog.functions()]).flatMap((fn) => fn.sinks.flatMap((sink) => toState(fn, sink)));
    },
    async dead(sinkId, after, limit) {
      need(sinkId);
      const letters = await store.read((orm) => deadLetters(orm, sinkId, after, limit + 1));
      const shown = letters.slice(0, limit);
      return { letters: shown, next: letters.length > limit ? shown.at(-1)?.seq : undefined };
    },
    async replay(sinkId, invocations) {
      need(sinkId);
      const which = invocations?.filter(isUuid);
      if (which?.length === 0) return 0;
      let replayed = 0;
      for (;;) {
        const some = await store.change((orm) => replayDead(orm, sinkId, which, replayBatch));
        replayed += some;
        if (some < replayBatch) break;
      }
      deliverers.wake([sinkId]);
      return replayed;
    },
  };
}

/** The address of a sink, without credentials: its schema allows none in the `url`. */
export function describeAddress({ type, params }: Sink): string {
  if (type === 'mqtt') {
    const { host, port, tls, topic } = params;
    const name = host.includes(':') ? `[${host}]` : host;
    return `${tls ? 'mqtts' : 'mqtt'}://${name}${port === undefined ? '' : `:${port}`}/${topic}`;
  }
  const { href } = new URL(params.url);
  if (type !== 'couchdb' || params.database === undefined) return href;
  return `${href.replace(/\/$/, '')}/${encodeURIComponent(params.database)}`;
}

/** `full` at the limit of pending deliveries, `failing` until a delivery succeeds, `idle` without pending ones. */
export function judgeHealth(sink: Pick<SinkState, 'error' | 'waiting' | 'full'>): 'full' | 'ok' | 'failing' | 'idle' {
  const { error, waiting, full } = sink;
  if (full) return 'full';
  if (error !== null) return 'failing';
  return waiting > 0 ? 'ok' : 'idle';
}
