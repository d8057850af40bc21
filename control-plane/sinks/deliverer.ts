/**
 * Delivers to one sink: reads pending deliveries, oldest first, gives them to the sink, settles the results, and waits
 * while there is nothing to do or the sink fails.
 *
 * The loop is written by hand because three waits end in different ways: a wake-up ends the wait for deliveries, but
 * neither the back-off of a sink, which the sink may prolong, nor that of the database.
 *
 * Invariants:
 * - A delivery is removed after the sink took it, never before. A control plane that dies in between delivers it once
 *   more, and the other side recognises it by its id.
 * - A failing sink costs no document an attempt. It is tried again without an end.
 * - A sink gets a page only right after it took everything it was given, and one document otherwise. So when many sinks
 *   begin to hang at once, few of them hold a slot of the semaphore and its memory.
 * - A faulty document waits by itself and holds up no other, unless the sink is ordered: there nothing overtakes it
 *   until it is taken or dead.
 * - While the database is away nothing is delivered, and earlier deliveries are settled before anything else.
 */
import { type BackoffOptions, backoffDelay } from '@skerry/shared/backoff.ts';
import { sleep } from '@skerry/shared/clock.ts';
import { toSkerryError } from '@skerry/shared/errors.ts';
import type { ReadySink } from '@skerry/shared/function/sinks.ts';
import type { Semaphore } from '../async/semaphore.ts';
import { createWakeup } from '../async/wakeup.ts';
import {
  type DeliverySettlement,
  nextDeliveries,
  type PageLimits,
  settleDeliveries,
  type Waiting,
} from '../db/events/deliveries.ts';
import type { Store } from '../db/store.ts';
import type { Logger } from '../log/log.ts';
import { toDocument } from './document.ts';
import type { DeliveryVerdict, OpenSink, SinkDown } from './targets/open-sink.ts';

type DelivererOptions = {
  readonly sink: ReadySink;
  /** End of the previous deliverer, with the deliveries that it could not settle. Until then nothing is delivered. */
  readonly before: Promise<readonly number[]>;
  /** Opens the sink; may throw when the parameters lead nowhere. */
  readonly open: (sink: ReadySink) => OpenSink;
  readonly store: Store;
  /** Acquired for each page; not for single documents. */
  readonly semaphore: Semaphore;
  readonly log: Logger;
  readonly random: () => number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly onDelivered: (documents: number) => void;
  readonly onFailure: () => void;
};

export type Deliverer = {
  /** There may be something to deliver. Does not end a delay. */
  wake(): void;
  /** When a failing sink is tried again, in milliseconds since the epoch. */
  readonly nextTryAt: number | undefined;
  /**
   * Aborts the delivery in progress and settles its known results. Returns deliveries that were taken and could not be
   * removed, because the database is away. Idempotent.
   */
  close(): Promise<readonly number[]>;
};

/** Between attempts at a failing sink. */
const sinkBackoff: BackoffOptions = { baseMs: 500, capMs: 60_000 };
/** Between attempts at a database that is away. */
const storeBackoff: BackoffOptions = { baseMs: 200, capMs: 5_000 };
/** Milliseconds that one page may take in all. */
const pageTimeoutMs = 60_000;
const single = { documents: 1, bytes: 1 };
/** Pages read ahead in a row. After that, deliveries that were recorded late, or have become due, get their turn. */
const maxPagesAhead = 20;

export function createDeliverer(options: DelivererOptions): Deliverer {
  const { sink, store, semaphore, log, random, now, onDelivered, onFailure } = options;
  const { ordered, envelope, retry } = sink.params;
  const closing = new AbortController();
  const { signal } = closing;
  const wakeup = createWakeup();
  const form = { envelope, underscoreId: sink.type === 'couchdb' };
  let failures = 0;
  let storeFailures = 0;
  /** The sink has just taken everything that it was given. Until then it gets one document at a time. */
  let proven = false;
  /** The page after the delivered one, if it has been read already. */
  let ahead: Promise<Waiting[] | undefined> | undefined;
  let pagesAhead = 0;
  /** Deliveries that were taken, and could not be removed any longer. */
  let unsettled: readonly number[] = [];
  let nextTryAt: number | undefined;

  /** Undefined while the database is away, after a delay. */
  const withStore = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      const result = await work();
      storeFailures = 0;
      return result;
    } catch (error) {
      storeFailures += 1;
      const level = toSkerryError(error).code === 'store_unavailable' ? 'debug' : 'error';
      log[level]({ err: error, sink: sink.id }, 'deliveries cannot be read or settled');
      await sleep(backoffDelay(storeFailures, random(), 0, storeBackoff), signal);
      return undefined;
    }
  };

  /** False when the database was away until the end. */
  const settle = async (settlement: DeliverySettlement): Promise<boolean> => {
    const write = () =>
      withStore(() => store.change((orm) => settleDeliveries(orm, sink.id, settlement)).then(() => true));
    while (!(await write())) {
      if (!signal.aborted) continue;
      unsettled = settlement.taken;
      return false;
    }
    if (settlement.taken.length > 0) onDelivered(settlement.taken.length);
    return true;
  };

  const settlementOf = (
    page: readonly Waiting[],
    verdicts: readonly (DeliveryVerdict | undefined)[],
    down?: SinkDown,
  ) => {
    const taken: number[] = [];
    const spent: { seq: number; reason: string; waitMs: number | undefined }[] = [];
    for (const [at, { seq, attempts }] of page.entries()) {
      const verdict = verdicts[at];
      if (verdict?.kind === 'taken') taken.push(seq);
      else if (verdict) {
        const dead = verdict.kind === 'refused' || attempts + 1 >= retry.attempts;
        const backoff = { baseMs: retry.base_ms, capMs: retry.cap_ms };
        const waitMs = dead ? undefined : backoffDelay(attempts + 1, random(), 0, backoff);
        spent.push({ seq, reason: verdict.reason, waitMs });
      }
    }
    return { taken, spent, down: down && { reason: down.reason, failures } } satisfies DeliverySettlement;
  };

  /** Gives the page to the sink; returns the delay after it, in milliseconds. */
  const deliver = async (to: OpenSink, page: readonly Waiting[]): Promise<number> => {
    const documents = page.map(({ outcome }) => toDocument(outcome, form));
    const { verdicts, down } = await to.deliver(
      documents,
      AbortSignal.any([signal, AbortSignal.timeout(pageTimeoutMs)]),
    );
    let restMs = 0;
    if (signal.aborted) {
      // Aborted by us, which says nothing about the sink.
    } else if (down) {
      failures += 1;
      onFailure();
      restMs = backoffDelay(failures, random(), down.waitMs, sinkBackoff);
      nextTryAt = now() + restMs;
      log[failures === 1 ? 'warn' : 'debug']({ sink: sink.id, reason: down.reason, failures }, 'a sink fails');
    } else {
      if (failures > 0) log.info({ sink: sink.id, failures }, 'a sink takes deliveries again');
      failures = 0;
    }
    const settlement = settlementOf(page, verdicts, signal.aborted ? undefined : down);
    await settle(settlement);
    proven = settlement.taken.length === page.length;
    const waits = settlement.spent.flatMap(({ waitMs }) => waitMs ?? []);
    if (waits.length > 0) wakeup.wakeIn(Math.min(...waits));
    return restMs;
  };

  const read = (limits: Omit<PageLimits, 'ordered'>) =>
    store.read((orm) => nextDeliveries(orm, sink.id, { ordered, ...limits }));

  /** While a full page is delivered the next one is read, so that neither side waits for the other. */
  const readAhead = (page: readonly Waiting[], { documents, bytes }: OpenSink['batch']) => {
    const after = page.at(-1)?.seq;
    if (page.length < documents || pagesAhead >= maxPagesAhead) return undefined;
    pagesAhead += 1;
    return read({ documents, bytes, after }).catch(() => undefined);
  };

  /** Empty only after a look that began after the last wake-up. */
  const nextPage = async (limits: OpenSink['batch']): Promise<readonly Waiting[] | undefined> => {
    const early = await ahead;
    ahead = undefined;
    if (early && early.length > 0) return early;
    pagesAhead = 0;
    wakeup.clear();
    return withStore(() => read(limits));
  };

  /** One page, or a wait until there may be one. */
  const step = async (to: OpenSink): Promise<void> => {
    const release = proven ? await semaphore.acquire(signal) : undefined;
    if (proven && !release) return;
    let restMs: number | undefined;
    try {
      const waiting = await nextPage(proven ? to.batch : single);
      if (!waiting || signal.aborted) return;
      const page = ordered ? undisputed(waiting) : waiting;
      if (page.length > 0) {
        const next = proven && page === waiting ? readAhead(page, to.batch) : undefined;
        restMs = await deliver(to, page);
        if (proven) ahead = next;
      } else if (waiting[0]) wakeup.wakeIn(waiting[0].waitMs);
    } finally {
      release?.();
    }
    if (restMs === undefined) {
      proven = false;
      await wakeup.wait({ signal });
    } else if (restMs > 0) await sleep(restMs, signal);
    nextTryAt = undefined;
  };

  const run = async () => {
    const left = await options.before;
    if (left.length > 0 && !(await settle({ taken: left, spent: [], down: undefined }))) return;
    let to: OpenSink;
    try {
      to = options.open(sink);
    } catch (error) {
      // Only other parameters can change this, and they come with another deliverer.
      onFailure();
      await settle({ taken: [], spent: [], down: { reason: toSkerryError(error).message, failures: 1 } });
      return;
    }
    while (!signal.aborted) {
      await step(to).catch(async (error: unknown) => {
        if (signal.aborted) return;
        log.error({ err: error, sink: sink.id }, 'unexpected error while delivering');
        await sleep(storeBackoff.capMs, signal);
      });
    }
    await to.close();
  };

  const running = run();

  return {
    wake: wakeup.wake,
    get nextTryAt() {
      return nextTryAt;
    },
    async close() {
      closing.abort();
      await running;
      return unsettled;
    },
  };
}

/**
 * The part of a page that an ordered sink may get now. A document that failed goes alone, since it may stop the rest
 * again.
 */
function undisputed(page: readonly Waiting[]): readonly Waiting[] {
  const [first] = page;
  if (!first || first.waitMs > 0) return [];
  if (first.attempts > 0) return [first];
  const end = page.findIndex(({ attempts, waitMs }) => attempts > 0 || waitMs > 0);
  return end === -1 ? page : page.slice(0, end);
}
