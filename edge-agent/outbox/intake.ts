/**
 * Where what listens on the device gives its events: on disk before it answers. See shared/intake.ts for the promises.
 */
import { randomUUIDv7 } from 'node:crypto';
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Intake, Kept, NewEvent, Room } from '@skerry/shared/intake.ts';
import type { OutboxClient } from './client.ts';
import type { Counts } from './counts.ts';
import { eventShare } from './limits.ts';
import type { RecordOperation } from './operations.ts';
import { eventSize } from './rows.ts';
import type { Runs } from './runs.ts';

export type IntakeOptions = {
  readonly client: Pick<OutboxClient, 'submit' | 'open' | 'state'>;
  readonly runs: Pick<Runs, 'recorded' | 'giveWay' | 'dropped' | 'reread'>;
  readonly counts: Counts;
  readonly limitBytes: number;
  /** False when so many bytes more would take what the device's disk keeps in reserve. */
  readonly diskHasRoom: (bytes: number) => Promise<boolean>;
  /** False for a function that has been deleted: nobody would ever run its events. */
  readonly isWanted: (functionId: string) => boolean;
  readonly onRecorded: () => void;
  readonly onDropped: (trigger: string, events: number) => void;
};

export type OutboxIntake = Intake & {
  /** Something has changed: whoever waits for room looks again. */
  look(): void;
};

/** A trigger that was full has room again when so much of it is free: coming again for each event would cost more. */
const roomShare = 0.1;
/** How often whoever waits for room looks without being told: the disk says nothing by itself. */
const lookMs = 2_000;
/** Events that give way to one, when there is no room for its bytes. */
const maxGiveWay = 64;

export function createIntake(options: IntakeOptions): OutboxIntake {
  const { client, runs, counts, limitBytes, diskHasRoom, isWanted, onRecorded, onDropped } = options;
  /** Events on their way to the disk, by trigger. */
  const coming = new Map<string, number>();
  const waiting = new Map<() => boolean, () => void>();
  let looking: NodeJS.Timeout | undefined;

  const pendingOf = (trigger: string) => counts.of(trigger).pending + (coming.get(trigger) ?? 0);
  const hasBytes = (bytes: number) => (client.state?.bytes ?? 0) + bytes <= limitBytes * eventShare;
  const come = (trigger: string, by: number) => {
    const next = (coming.get(trigger) ?? 0) + by;
    if (next === 0) coming.delete(trigger);
    else coming.set(trigger, next);
  };

  const commit = (operation: RecordOperation) =>
    new Promise<Kept>((resolve, reject) => {
      const { event, drop, dropAfter } = operation;
      const { trigger } = event;
      const taken = drop.length > 0 || dropAfter !== undefined;
      client.submit(operation, (answered) => {
        if (!answered.done) {
          if (taken) runs.reread(trigger);
          if (answered.failure === 'full') return resolve('full');
          return reject(new SkerryError('store_unavailable', 'the outbox cannot be written now'));
        }
        const { kept, seq, dropped } = answered.answer;
        if (dropped.length > 0) {
          runs.dropped(trigger, dropped);
          counts.add(trigger, 'pending', -dropped.length);
          onDropped(trigger, dropped.length);
        }
        // A known event needs no room: what was taken out for it is still in the file.
        if (taken && kept === 'known') runs.reread(trigger);
        if (kept === 'recorded') {
          if (event.invalid === undefined) counts.add(trigger, 'pending');
          else counts.add(trigger, 'failed');
          onRecorded();
        }
        if (kept === 'recorded' && event.invalid === undefined) {
          const { id, function: fn, origin, createdAt, input } = event;
          const named = operation.named;
          runs.recorded({
            seq,
            id,
            named,
            function: fn,
            trigger,
            origin,
            createdAt,
            attempts: 0,
            notBefore: 0,
            input,
          });
        }
        resolve(kept);
      });
    });

  /** Events that give way: enough for one more of the trigger, and for its bytes. */
  const takeOut = (trigger: string, room: Room, bytes: number): Pick<RecordOperation, 'drop' | 'dropAfter'> => {
    const drop: number[] = [];
    const tooMany = pendingOf(trigger) >= room.maxPending;
    let freed = 0;
    while (drop.length < maxGiveWay && ((tooMany && drop.length === 0) || !hasBytes(bytes - freed))) {
      const oldest = runs.giveWay(trigger);
      if (!oldest) break;
      if ('after' in oldest) return { drop, dropAfter: oldest.after };
      drop.push(oldest.seq);
      freed += oldest.bytes;
    }
    return { drop };
  };

  const record = async (event: NewEvent, room: Room): Promise<Kept> => {
    const { trigger } = event;
    const bytes = eventSize(event.input);
    if (!(await diskHasRoom(bytes))) return 'full';
    if (!isWanted(event.function)) throw new SkerryError('code_unavailable', 'the function was deleted');
    const short = pendingOf(trigger) >= room.maxPending || !hasBytes(bytes);
    if (short && room.whenFull === 'hold') return 'full';
    const out = short ? takeOut(trigger, room, bytes) : { drop: [] };
    if (short && out.drop.length === 0 && !('dropAfter' in out)) return 'full';
    const named = event.id !== undefined;
    const id = event.id ?? randomUUIDv7();
    // A view of a large read would keep all of it in memory for as long as the event waits.
    const input = Uint8Array.from(event.input);
    come(trigger, 1);
    try {
      return await commit({ do: 'record', event: { ...event, id, input }, named, ...out });
    } finally {
      come(trigger, -1);
    }
  };

  const look = () => {
    for (const [isThere, go] of waiting) if (isThere()) go();
  };
  const watch = () => {
    clearInterval(looking);
    looking = waiting.size === 0 ? undefined : setInterval(look, lookMs).unref();
  };

  const ask = <T>(submit: (done: (value: T) => void, fail: (error: SkerryError) => void) => void) =>
    new Promise<T>((resolve, reject) => submit(resolve, reject));
  const away = () => new SkerryError('store_unavailable', 'the outbox cannot be read now');

  return {
    record,
    room(trigger, { maxPending }, signal) {
      const most = maxPending - Math.max(1, Math.floor(maxPending * roomShare));
      const isThere = () => pendingOf(trigger) <= most && hasBytes(limitBytes * eventShare * roomShare);
      if (signal.aborted || isThere()) return Promise.resolve();
      return new Promise((resolve) => {
        const go = () => {
          signal.removeEventListener('abort', go);
          waiting.delete(isThere);
          watch();
          resolve();
        };
        waiting.set(isThere, go);
        signal.addEventListener('abort', go);
        watch();
      });
    },
    lastTick: (trigger) =>
      ask((done, fail) =>
        client.submit({ do: 'last-tick', trigger }, (answered) => {
          if (answered.done) done(answered.answer);
          else fail(away());
        }),
      ),
    setLastTick: (trigger, moment) =>
      ask<void>((done, fail) =>
        client.submit({ do: 'set-last-tick', trigger, moment }, (answered) => {
          if (answered.done) done();
          else fail(away());
        }),
      ),
    look,
  };
}
