/**
 * Leases for work that one control plane does for all: listening to a broker, delivering to a sink. A holder renews its
 * lease well before it ends. A holder that dies loses it with time, and another control plane takes over.
 *
 * Times are the database's, so control planes need not agree on the time. While the database is away no lease can be
 * taken, and a holder gives its leases up after two thirds of their time, by a timer that waits for nothing. So two
 * never work at once, as long as the work under a lease ends at once when `signal` aborts. A process that was stopped
 * in between for longer than the last third may do a step beside its successor, which must be harmless.
 */
import { randomUUID } from 'node:crypto';
import { SkerryError } from '@skerry/shared/errors.ts';
import { createLoop } from '@skerry/shared/loop.ts';
import { releaseLeases, takeLeases } from '../db/leases/leases.ts';
import type { Store } from '../db/store.ts';
import type { Logger } from '../log/log.ts';

export type Lease = {
  readonly name: string;
  /** Aborts when the lease is lost, a third of its term before another holder can take it, or when it is released. */
  readonly signal: AbortSignal;
};

export type Leases = {
  /** Sets the leases to hold; takes free ones and releases others. Idempotent, and cheap when nothing has changed. */
  setWanted(names: ReadonlySet<string>): void;
  /** The leases that are held now. */
  readonly held: ReadonlyMap<string, Lease>;
  /** Releases all leases. Idempotent. */
  close(): Promise<void>;
};

export type LeasesOptions = {
  readonly store: Store;
  readonly log: Logger;
  /** The term of a lease without renewal, in milliseconds. */
  readonly termMs: number;
  /** A lease was taken. The work under it stops when its signal aborts. */
  readonly onHeld: (lease: Lease) => void;
};

export { forgetLeases } from '../db/leases/leases.ts';

/** Share of the term during which a lease is held without renewal; the rest separates one holder from the next. */
const heldShare = 2 / 3;

export function createLeases({ store, log, termMs, onHeld }: LeasesOptions): Leases {
  const holder = randomUUID();
  const held = new Map<string, Lease & { readonly controller: AbortController; expiry: NodeJS.Timeout }>();
  /** Names whose rows may be ours: requested, and neither released since nor held by another. */
  const requested = new Set<string>();
  let wanted: ReadonlySet<string> = new Set();
  let closed = false;

  const letGo = (name: string) => {
    const lease = held.get(name);
    held.delete(name);
    clearTimeout(lease?.expiry);
    lease?.controller.abort();
  };
  const letGoIn = (name: string, ms: number) => setTimeout(() => letGo(name), ms);

  /** Releases all leases that are no longer wanted, including those whose taking was not confirmed. */
  const release = async () => {
    const names = [...requested].filter((name) => !wanted.has(name)).sort();
    for (const name of names) letGo(name);
    if (names.length === 0) return;
    await store.change((orm) => releaseLeases(orm, names, holder));
    for (const name of names) requested.delete(name);
  };

  /** Takes or renews all wanted leases in one statement: a row is ours, free, or another's. */
  const take = async () => {
    // In one order everywhere: two processes that take the same rows at once do not wait for each other in a circle.
    const names = [...wanted].sort();
    if (names.length === 0) return;
    for (const name of names) requested.add(name);
    const begun = performance.now();
    const ours = await store.change((orm) => takeLeases(orm, names, holder, termMs));
    for (const name of names) if (!ours.has(name)) requested.delete(name);
    for (const name of held.keys()) if (!ours.has(name)) letGo(name);
    const leftMs = begun + termMs * heldShare - performance.now();
    // The answer came too late to be useful. The next round takes them again.
    if (leftMs <= 0) return;
    for (const name of ours) {
      const lease = held.get(name);
      if (lease) {
        clearTimeout(lease.expiry);
        lease.expiry = letGoIn(name, leftMs);
        continue;
      }
      // No longer wanted since it was requested: the next round releases it.
      if (!wanted.has(name)) continue;
      const controller = new AbortController();
      const taken = { name, controller, signal: controller.signal, expiry: letGoIn(name, leftMs) };
      held.set(name, taken);
      onHeld(taken);
    }
  };

  const logFailure = (error: unknown) => {
    const away = error instanceof SkerryError && error.code === 'store_unavailable';
    log[away ? 'debug' : 'error']({ err: error }, 'leases could not be renewed or released');
  };

  // A failure waits no longer than a success: a lease that is not renewed in time is lost.
  const loop = createLoop({
    async step() {
      try {
        await release();
        await take();
      } catch (error) {
        logFailure(error);
      }
      return termMs / 4;
    },
    onFailure: logFailure,
    backoff: { baseMs: termMs / 4, capMs: termMs / 4 },
    random: Math.random,
  });

  return {
    setWanted(names) {
      if (closed || (names.size === wanted.size && [...names].every((name) => wanted.has(name)))) return;
      wanted = new Set(names);
      loop.wake();
    },
    held,
    async close() {
      if (closed) return;
      closed = true;
      wanted = new Set();
      await loop.stop();
      await release().catch(logFailure);
    },
  };
}
