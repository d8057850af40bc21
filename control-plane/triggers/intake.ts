/**
 * The intake of the control plane's triggers: stores events as queued invocations, in the database before they are
 * acknowledged. Events that arrive during a transaction share the next one.
 *
 * Invariants: of one trigger no event is stored after one that found no room. One control plane at a time listens to a
 * trigger (leases/leases.ts), so its pending events grow only here, and an older count is never too low.
 */
import { sleep } from '@skerry/shared/clock.ts';
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Intake, NewEvent, PendingLimit, RecordResult } from '@skerry/shared/events/intake.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { cancelOldest, readLastTick, setLastTick } from '../db/events/trigger-counts.ts';
import type { Store } from '../db/store.ts';
import type { EndedInvocation, NewInvocation } from '../model/invocation.ts';
import type { Invocations } from '../queue/queue.ts';

/** Most events of one transaction, and most bytes of their inputs; a larger event is alone. */
const maxBatch = 200;
const maxBytes = 8 * 1024 * 1024;
/**
 * A waiter for room counts pending events, which takes at most this share of the time, with this many milliseconds
 * between two counts.
 */
const lookShare = 0.02;
const leastLookMs = 100;
const maxLookMs = 10_000;
/** A full trigger has room again when this share is free. */
const roomShare = 0.1;
/** Milliseconds for which a count of pending events may be used, and up to which share of the limit. */
const countMs = 1_000;
const countShare = 0.5;

export type CloudIntakeOptions = {
  readonly store: Store;
  readonly catalog: Pick<Catalog, 'byId'>;
  readonly invocations: Pick<Invocations, 'countPending' | 'enqueueWithin' | 'recordWithin'>;
  /** Events were dropped for newer ones. */
  readonly onDropped: (trigger: string, events: number) => void;
};

type Asked = {
  readonly event: NewEvent;
  readonly room: PendingLimit;
  readonly resolve: (kept: RecordResult) => void;
  readonly reject: (error: unknown) => void;
};

export function createCloudIntake({ store, catalog, invocations, onDropped }: CloudIntakeOptions): Intake {
  const counts = new Map<string, { pending: number; at: number }>();
  let asked: Asked[] = [];
  let working = false;

  /** A lower bound of a trigger's pending events; counted again when the count is old or near the limit. */
  const countPending = async (trigger: string, more: number, { maxPending }: PendingLimit) => {
    const count = counts.get(trigger);
    const fresh = count && performance.now() - count.at < countMs;
    if (fresh && count.pending + more <= maxPending * countShare) return count;
    const counted = { pending: await invocations.countPending(trigger), at: performance.now() };
    counts.set(trigger, counted);
    return counted;
  };

  /** How many of these events have no room. */
  const excessOf = async (trigger: string, some: readonly Asked[], room: PendingLimit) => {
    const { pending } = await countPending(trigger, some.length, room);
    return Math.max(0, pending + some.length - room.maxPending);
  };

  /** Writes all of them in one transaction: dropped events, stored events, and their ticks. */
  const keep = async (some: readonly Asked[]) => {
    const { invalid = [], valid = [] } = Object.groupBy(some, ({ event }) =>
      event.invalid === undefined ? 'valid' : 'invalid',
    );
    const groups = [...Map.groupBy(valid, ({ event }) => event.trigger)].map(([trigger, own]) => ({ trigger, own }));
    const excess = new Map<string, number>();
    for (const { trigger, own } of groups) {
      if (own[0]) excess.set(trigger, await excessOf(trigger, own, own[0].room));
    }
    const done = await store.change(async (orm) => {
      const letters = invalid.map(({ event }) => deadLetter(event, catalog));
      const tellRecorded = await invocations.recordWithin(orm, letters);
      const gone = new Map<string, number>();
      const admitted: Asked[] = [];
      for (const { trigger, own } of groups) {
        const over = excess.get(trigger) ?? 0;
        const drops = over > 0 && own[0]?.room.whenFull === 'drop_oldest';
        const dropped = drops ? await cancelOldest(orm, trigger, over) : 0;
        if (dropped > 0) gone.set(trigger, dropped);
        admitted.push(...own.slice(0, Math.max(0, own.length - over + dropped)));
      }
      const requests = admitted.map(({ event }) => invocationOf(event, catalog));
      const { kept, tell } = await invocations.enqueueWithin(orm, requests);
      for (const [trigger, tick] of lastTicks(admitted)) await setLastTick(orm, trigger, tick);
      return { gone, admitted, kept, tell, tellRecorded };
    });
    done.tellRecorded();
    done.tell();
    for (const [trigger, events] of done.gone) onDropped(trigger, events);
    for (const { resolve } of invalid) resolve('recorded');
    for (const [at, { event, resolve }] of done.admitted.entries()) {
      const { known = false } = done.kept[at] ?? {};
      const count = counts.get(event.trigger);
      if (count && !known) count.pending += 1;
      resolve(known ? 'known' : 'recorded');
    }
    for (const trigger of done.gone.keys()) counts.delete(trigger);
    // Events that already have their answer take no other one.
    for (const { resolve } of valid) resolve('full');
  };

  /** A fault of one trigger does not affect the others. */
  const keepApart = async (some: readonly Asked[]) => {
    for (const own of Map.groupBy(some, ({ event }) => event.trigger).values()) {
      await keep(own).catch((error: unknown) => {
        const full = error instanceof SkerryError && error.code === 'queue_full';
        for (const { resolve, reject } of own) full ? resolve('full') : reject(error);
      });
    }
  };

  const work = async () => {
    working = true;
    while (asked.length > 0) {
      const batch = firstOf(asked);
      asked = asked.slice(batch.length);
      await keep(batch).catch(async (error: unknown) => {
        counts.clear();
        const away = error instanceof SkerryError && error.code === 'store_unavailable';
        if (!away) return keepApart(batch);
        for (const { reject } of batch) reject(error);
      });
    }
    working = false;
  };

  return {
    record: (event, room) =>
      new Promise((resolve, reject) => {
        asked.push({ event, room, resolve, reject });
        if (!working) void work();
      }),
    async waitForRoom(trigger, { maxPending }, signal) {
      const most = maxPending - Math.max(1, Math.floor(maxPending * roomShare));
      let lookMs = leastLookMs;
      do {
        await sleep(lookMs, signal);
        const begunAt = performance.now();
        const pending = await invocations.countPending(trigger).catch(() => maxPending);
        if (pending <= most) return;
        lookMs = Math.min(Math.max((performance.now() - begunAt) / lookShare, leastLookMs), maxLookMs);
      } while (!signal.aborted);
    },
    lastTick: (trigger) => store.read((orm) => readLastTick(orm, trigger)),
    setLastTick: (trigger, moment) => store.change((orm) => setLastTick(orm, trigger, moment)),
  };
}

/** As many as fit into one transaction. */
function firstOf(asked: readonly Asked[]): readonly Asked[] {
  let bytes = 0;
  const end = asked.findIndex(({ event }, at) => {
    bytes += event.input.byteLength;
    return at > 0 && (at >= maxBatch || bytes > maxBytes);
  });
  return end === -1 ? asked : asked.slice(0, end);
}

/** The last one of each trigger among these. */
function lastTicks(some: readonly Asked[]): ReadonlyMap<string, number> {
  return new Map(
    some.flatMap(({ event: { trigger, tick } }) => (tick === undefined ? [] : [[trigger, tick] as const])),
  );
}

type Functions = Pick<Catalog, 'byId'>;

/** @throws SkerryError not_found when the function is gone: its triggers end with the next look at the catalog */
function functionOf({ function: id }: NewEvent, catalog: Functions) {
  const fn = catalog.byId(id);
  if (!fn) throw new SkerryError('not_found', 'the function is gone');
  return fn;
}

function invocationOf(event: NewEvent, catalog: Functions): NewInvocation {
  const fn = functionOf(event, catalog);
  const { id, input, origin, createdAt, trigger } = event;
  const concurrency = fn.triggers.find((binding) => binding.id === trigger)?.spec.params.concurrency;
  return {
    id,
    function: fn,
    input,
    origin,
    createdAt: new Date(createdAt),
    triggerId: trigger,
    concurrency,
  };
}

function deadLetter(event: NewEvent, catalog: Functions): EndedInvocation {
  const { id, module, name } = functionOf(event, catalog);
  const at = new Date(event.createdAt);
  return {
    id: event.id,
    functionId: id,
    module,
    name,
    revision: 0,
    origin: event.origin,
    triggerId: event.trigger,
    attempts: 0,
    createdAt: at,
    startedAt: at,
    endedAt: at,
    input: event.input,
    result: { ok: false, code: 'event_invalid', message: event.invalid ?? '' },
  };
}
