/**
 * The intake of the device's triggers: events are on disk before it answers. See shared/events/intake.ts for the
 * promises.
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Intake, NewEvent, PendingLimit, RecordResult } from '@skerry/shared/events/intake.ts';
import type { Counts } from './run/counts.ts';
import type { Runs } from './run/runs.ts';
import { eventShare } from './storage/limits.ts';
import type { RecordOperation } from './storage/operations.ts';
import { eventSize, rowBytes } from './storage/rows.ts';
import type { OutboxClient } from './thread/client.ts';

type IntakeOptions = {
  readonly client: Pick<OutboxClient, 'submit' | 'open' | 'state'>;
  readonly runs: Pick<Runs, 'recorded' | 'giveWay' | 'dropped' | 'reread'>;
  readonly counts: Counts;
  readonly limitBytes: number;
  readonly disk: DiskRoom;
  /** False for a deleted function: its events would never run. */
  readonly isWanted: (functionId: string) => boolean;
  readonly onRecorded: () => void;
  readonly onDropped: (trigger: string, events: number) => void;
};

/** The device's disk, which has a reserve. False: this number of further bytes would use it. */
export type DiskRoom = {
  /** For the next write: until it is done, no other writer gets the same room. */
  take(bytes: number): Promise<boolean>;
  /** For waiters, which write nothing yet. */
  has(bytes: number): Promise<boolean>;
};

export type OutboxIntake = Intake & {
  /** Something has changed: waiters for room look again. */
  look(): void;
};

/** Events of one trigger that arrive together: when one is refused, so are those after it, and none overtakes it. */
type Wave = {
  readonly number: number;
  /** Events without an answer. */
  members: number;
  /** Events without an answer that were passed to the thread. */
  onTheirWay: number;
  refused: boolean;
};

/** A full trigger has room again when this share is free: returning for each event would cost more. */
const roomShare = 0.1;
/** Milliseconds between two looks of a waiter for room, since the disk sends no notification. */
const lookMs = 2_000;

export function createIntake(options: IntakeOptions): OutboxIntake {
  const { client, runs, counts, limitBytes, disk, isWanted, onRecorded, onDropped } = options;
  /** Events on their way to the disk, by trigger: those that arrived together. */
  const coming = new Map<string, Wave>();
  let lastWave = 0;
  const waiting = new Set<() => void>();
  let looking: NodeJS.Timeout | undefined;

  const countPending = (trigger: string) => counts.of(trigger).pending + (coming.get(trigger)?.onTheirWay ?? 0);
  const hasBytes = (bytes: number) => (client.state?.bytes ?? 0) + bytes <= limitBytes * eventShare;
  const waveOf = (trigger: string): Wave => {
    let wave = coming.get(trigger);
    if (!wave) {
      lastWave += 1;
      wave = { number: lastWave, members: 0, onTheirWay: 0, refused: false };
      coming.set(trigger, wave);
    }
    return wave;
  };

  const commit = (operation: RecordOperation) =>
    new Promise<RecordResult>((resolve, reject) => {
      const { event, drop, dropAfter } = operation;
      const { trigger } = event;
      const taken = drop.length > 0 || dropAfter !== undefined;
      client.submit(operation, (answered) => {
        // Without an answer the file has refused the event, and logged why.
        const answer = answered.done ? answered.answer : undefined;
        if (!answer) {
          if (taken) runs.reread(trigger);
          if (!answered.done && answered.failure === 'full') return resolve('full');
          return reject(new SkerryError('store_unavailable', 'the outbox cannot be written now'));
        }
        const { kept, seq, dropped } = answer;
        if (dropped.length > 0) {
          runs.dropped(trigger, dropped);
          counts.add(trigger, 'pending', -dropped.length);
          onDropped(trigger, dropped.length);
        }
        // Not all of them had to be dropped: events that were taken out are still in the file.
        if (taken && (kept !== 'recorded' || dropped.length < drop.length)) runs.reread(trigger);
        if (kept === 'recorded') {
          // The listener has counted an invalid event as dropped.
          if (event.invalid === undefined) counts.add(trigger, 'pending');
          onRecorded();
        }
        if (kept === 'recorded' && event.invalid === undefined) {
          const { id, named, function: fn, origin, createdAt, input } = event;
          const waits = { attempts: 0, notBefore: 0 };
          runs.recorded({ seq, id, named, function: fn, trigger, origin, createdAt, input, ...waits });
        }
        resolve(kept);
      });
    });

  /** Events that may be dropped: enough for one more of the trigger, and for its bytes. */
  const takeOut = (trigger: string, room: PendingLimit, bytes: number): Pick<RecordOperation, 'drop' | 'dropAfter'> => {
    const drop: number[] = [];
    const tooMany = countPending(trigger) >= room.maxPending;
    let freed = 0;
    while ((tooMany && drop.length === 0) || !hasBytes(bytes - freed)) {
      const oldest = runs.giveWay(trigger);
      if (!oldest) break;
      if ('after' in oldest) return { drop, dropAfter: oldest.after };
      drop.push(oldest.seq);
      freed += oldest.bytes;
    }
    return { drop };
  };

  const keep = async (event: NewEvent, room: PendingLimit, wave: Wave): Promise<RecordResult> => {
    const { trigger } = event;
    const bytes = eventSize(event.input);
    const full = (): RecordResult => {
      wave.refused = true;
      return 'full';
    };
    if (!(await disk.take(bytes)) || wave.refused) return full();
    if (!isWanted(event.function)) throw new SkerryError('code_unavailable', 'the function was deleted');
    const short = countPending(trigger) >= room.maxPending || !hasBytes(bytes);
    if (short && room.whenFull === 'hold') return full();
    const out = short ? takeOut(trigger, room, bytes) : { drop: [] };
    if (short && out.drop.length === 0 && !('dropAfter' in out)) return full();
    // A view of a large read would keep all of it in memory for as long as the event waits.
    const input = Uint8Array.from(event.input);
    wave.onTheirWay += 1;
    try {
      return await commit({ do: 'record', event: { ...event, input }, wave: wave.number, ...out });
    } finally {
      wave.onTheirWay -= 1;
    }
  };

  const record = async (event: NewEvent, room: PendingLimit): Promise<RecordResult> => {
    const wave = waveOf(event.trigger);
    wave.members += 1;
    let kept: RecordResult | undefined;
    try {
      kept = await keep(event, room, wave);
      return kept;
    } finally {
      // Also when the result is unknown: then none of those after it is stored either.
      if (kept === undefined || kept === 'full') wave.refused = true;
      wave.members -= 1;
      if (wave.members === 0) coming.delete(event.trigger);
    }
  };

  const look = () => {
    for (const go of waiting) go();
  };
  const watch = () => {
    clearInterval(looking);
    looking = waiting.size === 0 ? undefined : setInterval(look, lookMs).unref();
  };
  /** Resolves when something may have changed, or the signal aborts. */
  const change = (isThere: () => boolean, signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      const end = () => {
        signal.removeEventListener('abort', end);
        waiting.delete(go);
        watch();
        resolve();
      };
      const go = () => {
        if (isThere()) end();
      };
      waiting.add(go);
      signal.addEventListener('abort', end);
      watch();
    });

  const ask = <T>(submit: (done: (value: T) => void, fail: (error: SkerryError) => void) => void) =>
    new Promise<T>((resolve, reject) => submit(resolve, reject));
  const away = () => new SkerryError('store_unavailable', 'the outbox cannot be read now');

  return {
    record,
    async waitForRoom(trigger, { maxPending, bytes = 0 }, signal) {
      const most = maxPending - Math.max(1, Math.floor(maxPending * roomShare));
      const needed = Math.max(limitBytes * eventShare * roomShare, bytes + rowBytes);
      const isThere = () => countPending(trigger) <= most && hasBytes(needed);
      while (!signal.aborted) {
        if (isThere() && (await disk.has(needed))) return;
        await change(isThere, signal);
      }
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
