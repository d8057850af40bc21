/**
 * The deliverers of this control plane: one per sink whose lease it holds. They follow the catalog. A changed sink gets
 * a new deliverer, which forgets the failures of the old one.
 *
 * Recording outcomes wakes the deliverers. A look at the database every few seconds, one for all sinks together, finds
 * outcomes of other control planes and deliveries that have become due.
 */
import { isDeepStrictEqual } from 'node:util';
import { toSkerryError } from '@skerry/shared/errors.ts';
import type { ReadySink } from '@skerry/shared/function/sinks.ts';
import { createSemaphore } from '../async/semaphore.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { noteSinkError, sinksWithDue } from '../db/events/deliveries.ts';
import type { Store } from '../db/store.ts';
import type { Lease } from '../leases/leases.ts';
import type { Logger } from '../log/log.ts';
import type { CredentialStore } from '../secrets/credentials.ts';
import { createDeliverer, type Deliverer } from './deliverer.ts';
import type { OpenSink } from './targets/open-sink.ts';

export type Deliverers = {
  /** Sets the wanted leases; `held` is called for each one taken. */
  held(lease: Lease): void;
  /** Outcomes for these sinks were recorded here. */
  wake(sinkIds: Iterable<string>): void;
  /** When a failing sink is tried again; undefined when it does not fail, or another control plane delivers. */
  nextTry(sinkId: string): Date | undefined;
  /** Deliveries and failures of this control plane, by sink. */
  counts(): ReadonlyMap<string, { readonly delivered: number; readonly failures: number }>;
  /** Idempotent. */
  close(): Promise<void>;
};

type DeliverersOptions = {
  readonly store: Store;
  readonly catalog: Pick<Catalog, 'functions' | 'onChange'>;
  readonly credentials: Pick<CredentialStore, 'ready'>;
  /** Sets exactly these leases as wanted; see leases/leases.ts. */
  readonly wantLeases: (names: ReadonlySet<string>) => void;
  readonly open: (sink: ReadySink) => OpenSink;
  readonly log: Logger;
  readonly random: () => number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds between two looks at the database. */
  readonly pollMs?: number;
};

/** Prefix of the names of sinks' leases; the id follows. */
const sinkLease = 'sink:';

/**
 * Pages in progress at once. Each has at most 4 MiB of documents, or a single larger one, and the next page may be in
 * memory as well. Each keeps up to two of the database's connections busy.
 */
const maxPages = 4;

type Held = {
  /** The sink with its credentials, or why they are not available; undefined before the first look. */
  seen?: ReadySink | string | undefined;
  deliverer?: Deliverer | undefined;
};

export function createDeliverers(options: DeliverersOptions): Deliverers {
  const { store, catalog, credentials, wantLeases: want, open, log, random, now, pollMs = 2_000 } = options;
  const semaphore = createSemaphore(maxPages);
  const held = new Map<string, Held>();
  const noting = new Set<Promise<void>>();
  /** By sink: the end of its last deliverer, with the deliveries that it could not settle. */
  const ends = new Map<string, Promise<readonly number[]>>();
  const counts = new Map<string, { delivered: number; failures: number }>();
  let closed = false;

  const sinks = () =>
    new Map([...catalog.functions()].flatMap((fn) => fn.sinks.map((sink) => [sink.id, sink] as const)));

  const end = (id: string, entry: Held) => {
    if (entry.deliverer) ends.set(id, entry.deliverer.close());
    entry.deliverer = undefined;
  };

  const note = (sinkId: string, error: string | undefined) => {
    const done = store
      .change((orm) => noteSinkError(orm, sinkId, error))
      .catch((cause: unknown) => log.debug({ err: cause, sink: sinkId }, 'the state of a sink could not be stored'))
      .finally(() => noting.delete(done));
    noting.add(done);
  };

  const begin = (sink: ReadySink): Deliverer => {
    const count = counts.get(sink.id) ?? { delivered: 0, failures: 0 };
    counts.set(sink.id, count);
    return createDeliverer({
      sink,
      before: ends.get(sink.id) ?? Promise.resolve([]),
      open,
      store,
      semaphore,
      log,
      random,
      now,
      onDelivered: (documents) => {
        count.delivered += documents;
      },
      onFailure: () => {
        count.failures += 1;
      },
    });
  };

  /** Replaces the deliverer of a held sink that has changed. */
  const look = (id: string, entry: Held, all: ReturnType<typeof sinks>) => {
    const binding = all.get(id);
    if (!binding) return;
    const now = readyOrReason(() => credentials.ready(binding));
    const before = entry.seen;
    if (isDeepStrictEqual(now, before)) return;
    entry.seen = now;
    end(id, entry);
    if (typeof now === 'string') {
      log.warn({ sink: id, message: now }, 'a sink cannot be delivered to');
      note(id, now);
      return;
    }
    // A changed sink starts without failures; a sink that was taken over has the failures of its row.
    if (before !== undefined) note(id, undefined);
    entry.deliverer = begin(now);
  };

  const follow = () => {
    if (closed) return;
    const all = sinks();
    want(new Set([...all.keys()].map((id) => sinkLease + id)));
    for (const [id, entry] of held) look(id, entry, all);
    for (const id of [...counts.keys(), ...ends.keys()]) {
      if (all.has(id)) continue;
      counts.delete(id);
      if (!held.has(id)) ends.delete(id);
    }
  };

  const poll = async () => {
    const due = await store.read((orm) => sinksWithDue(orm, [...held.keys()]));
    for (const id of due) held.get(id)?.deliverer?.wake();
  };
  let polling = false;
  const timer = setInterval(() => {
    if (polling || held.size === 0) return;
    polling = true;
    poll()
      .catch((error: unknown) => log.debug({ err: error }, 'due deliveries could not be looked for'))
      .finally(() => {
        polling = false;
      });
  }, pollMs);
  const stopFollowing = catalog.onChange(follow);
  follow();

  return {
    held(lease) {
      if (closed || !lease.name.startsWith(sinkLease) || lease.signal.aborted) return;
      const id = lease.name.slice(sinkLease.length);
      const entry: Held = {};
      const before = held.get(id);
      if (before) end(id, before);
      held.set(id, entry);
      lease.signal.addEventListener(
        'abort',
        () => {
          end(id, entry);
          if (held.get(id) === entry) held.delete(id);
        },
        { once: true },
      );
      look(id, entry, sinks());
    },
    wake(sinkIds) {
      for (const id of sinkIds) held.get(id)?.deliverer?.wake();
    },
    nextTry(sinkId) {
      const at = held.get(sinkId)?.deliverer?.nextTryAt;
      return at === undefined ? undefined : new Date(at);
    },
    counts: () => counts,
    async close() {
      closed = true;
      clearInterval(timer);
      stopFollowing();
      for (const [id, entry] of held) end(id, entry);
      held.clear();
      await Promise.all([...ends.values(), ...noting]);
    },
  };
}

function readyOrReason(ready: () => ReadySink): ReadySink | string {
  try {
    return ready();
  } catch (error) {
    return toSkerryError(error).message;
  }
}
