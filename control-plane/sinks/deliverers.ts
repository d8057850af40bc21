/**
 * Deliverers of all sinks that this control plane delivers to: one per sink whose lease it holds. They follow the
 * catalog; a sink that is changed gets another deliverer, with which whatever was held against the old one is forgotten.
 *
 * Whoever records outcomes wakes them; what others record, and what has become due, a look at the database every few
 * seconds finds, one for all sinks together.
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
  /** Leases that are wanted are named by this; `held` is called for each that was taken. */
  held(lease: Lease): void;
  /** Outcomes for these sinks were recorded here. */
  wake(sinkIds: Iterable<string>): void;
  /** When a sink that fails is tried again; undefined where it is not failing, or another control plane delivers. */
  nextTry(sinkId: string): Date | undefined;
  /** What this control plane has delivered, and how often a sink failed it, by sink. */
  counts(): ReadonlyMap<string, { readonly delivered: number; readonly failures: number }>;
  /** Idempotent. */
  close(): Promise<void>;
};

export type DeliverersOptions = {
  readonly store: Store;
  readonly catalog: Pick<Catalog, 'functions' | 'onChange'>;
  readonly credentials: Pick<CredentialStore, 'ready'>;
  /** From now on exactly these leases are wanted; see leases/leases.ts. */
  readonly wantLeases: (names: ReadonlySet<string>) => void;
  readonly open: (sink: ReadySink) => OpenSink;
  readonly log: Logger;
  readonly random: () => number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Between two looks at the database. */
  readonly pollMs?: number;
};

/** Of the names of leases of sinks; the id follows. */
const sinkLease = 'sink:';

/**
 * Pages that are under way at one time. Each has 4 MiB of documents at most, or a single one that has more, and the page
 * after it may be in memory besides; each keeps up to two of the database's connections busy.
 */
const maxPages = 4;

type Held = {
  /** What is delivered to, or why its credentials cannot be had; undefined before the first look. */
  seen?: ReadySink | string | undefined;
  deliverer?: Deliverer | undefined;
};

export function createDeliverers(options: DeliverersOptions): Deliverers {
  const { store, catalog, credentials, wantLeases: want, open, log, random, now, pollMs = 2_000 } = options;
  const semaphore = createSemaphore(maxPages);
  const held = new Map<string, Held>();
  const noting = new Set<Promise<void>>();
  /** By sink: end of its last deliverer, and what that could not settle. */
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
      .catch((cause: unknown) => log.debug({ err: cause, sink: sinkId }, 'the state of a sink could not be kept'))
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

  /** What a held sink is now; where that has changed, another deliverer. */
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
    // A sink that was changed begins anew; one that was taken over is what its row says.
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
      .catch((error: unknown) => log.debug({ err: error }, 'due deliveries cannot be looked for'))
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
