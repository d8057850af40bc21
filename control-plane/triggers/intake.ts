/**
 * Where what the control plane listens to gives its events: kept as invocations to be run, in the database before
 * anybody hears yes. Events that come while a transaction is under way go together into the next one.
 *
 * Invariants: of one trigger none is kept after one that found no room; a trigger is listened to by one control plane
 * at a time (leases.ts), so what it has pending grows here only, and an older count is never too low.
 */
import { randomUUIDv7 } from 'node:crypto';
import { setTimeout as rest } from 'node:timers/promises';
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Intake, Kept, NewEvent, Room } from '@skerry/shared/intake.ts';
import type { Catalog } from '../catalog.ts';
import type { Store } from '../db/store.ts';
import { cancelOldest, lastTickOf, setLastTick } from '../db/trigger-counts.ts';
import type { EndedInvocation, KeptInvocations, NewInvocation } from '../kept.ts';

/** Events in one transaction at most. */
const maxBatch = 200;
/** How often whoever waits for room looks, in milliseconds. */
const lookMs = 100;
/** A trigger that was full has room again when so much of it is free. */
const roomShare = 0.1;
/** How long a count of what is pending may be used, in milliseconds, and up to which share of what may be pending. */
const countMs = 1_000;
const countShare = 0.5;

export type CloudIntakeOptions = {
  readonly store: Store;
  readonly catalog: Pick<Catalog, 'byId'>;
  readonly invocations: KeptInvocations;
  /** Events gave way to newer ones. */
  readonly onDropped: (trigger: string, events: number) => void;
};

type Asked = {
  readonly event: NewEvent;
  readonly room: Room;
  readonly resolve: (kept: Kept) => void;
  readonly reject: (error: unknown) => void;
};

export function createCloudIntake({ store, catalog, invocations, onDropped }: CloudIntakeOptions): Intake {
  const counts = new Map<string, { pending: number; at: number }>();
  let asked: Asked[] = [];
  let working = false;

  /** Of a trigger, at least: counted anew when the count is old or comes near the bound. */
  const pendingOf = async (trigger: string, more: number, { maxPending }: Room) => {
    const count = counts.get(trigger);
    const fresh = count && performance.now() - count.at < countMs;
    if (fresh && count.pending + more <= maxPending * countShare) return count;
    const counted = { pending: await invocations.pendingOf(trigger), at: performance.now() };
    counts.set(trigger, counted);
    return counted;
  };

  /** Those of one trigger that are to be kept; the others are told that there is no room. */
  const admit = async (trigger: string, some: readonly Asked[], room: Room): Promise<readonly Asked[]> => {
    const { pending } = await pendingOf(trigger, some.length, room);
    const over = pending + some.length - room.maxPending;
    if (over <= 0) return some;
    let free = some.length - over;
    if (room.whenFull === 'drop_oldest') {
      const gone = await store.change((orm) => cancelOldest(orm, trigger, over));
      if (gone > 0) onDropped(trigger, gone);
      counts.delete(trigger);
      free += gone;
    }
    for (const { resolve } of some.slice(Math.max(0, free))) resolve('full');
    return some.slice(0, Math.max(0, free));
  };

  const keep = async (some: readonly Asked[]) => {
    const invalid = some.filter(({ event }) => event.invalid !== undefined);
    if (invalid.length > 0) {
      await invocations.record(invalid.map(({ event }) => deadLetter(event, catalog)));
      for (const { resolve } of invalid) resolve('recorded');
    }
    const valid = some.filter(({ event }) => event.invalid === undefined);
    const byTrigger = Map.groupBy(valid, ({ event }) => event.trigger);
    const admitted: Asked[] = [];
    for (const [trigger, own] of byTrigger) {
      const [first] = own;
      if (first) admitted.push(...(await admit(trigger, own, first.room)));
    }
    const kept = await invocations.enqueue(admitted.map(({ event }) => invocationOf(event, catalog)));
    for (const [at, { event, resolve }] of admitted.entries()) {
      const { known = false } = kept[at] ?? {};
      const count = counts.get(event.trigger);
      if (count && !known) count.pending += 1;
      // A crash in between brings the tick again, under the same id.
      if (event.tick !== undefined) await store.change((orm) => setLastTick(orm, event.trigger, event.tick ?? 0));
      resolve(known ? 'known' : 'recorded');
    }
  };

  const work = async () => {
    working = true;
    while (asked.length > 0) {
      const batch = asked.slice(0, maxBatch);
      asked = asked.slice(maxBatch);
      try {
        await keep(batch);
      } catch (error) {
        counts.clear();
        const full = error instanceof SkerryError && error.code === 'queue_full';
        // Those that have their answer already take no other one.
        for (const { resolve, reject } of batch) full ? resolve('full') : reject(error);
      }
    }
    working = false;
  };

  return {
    record: (event, room) =>
      new Promise((resolve, reject) => {
        asked.push({ event, room, resolve, reject });
        if (!working) void work();
      }),
    async room(trigger, { maxPending }, signal) {
      const most = maxPending - Math.max(1, Math.floor(maxPending * roomShare));
      do {
        await rest(lookMs, undefined, { signal }).catch(() => undefined);
        const pending = await invocations.pendingOf(trigger).catch(() => maxPending);
        if (pending <= most) return;
      } while (!signal.aborted);
    },
    lastTick: (trigger) => store.read((orm) => lastTickOf(orm, trigger)),
    setLastTick: (trigger, moment) => store.change((orm) => setLastTick(orm, trigger, moment)),
  };
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
  const concurrency = fn.triggers.find((attachment) => attachment.id === trigger)?.spec.params.concurrency;
  return {
    ...(id !== undefined && { id }),
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
    id: event.id ?? randomUUIDv7(),
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
