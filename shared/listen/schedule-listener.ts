/**
 * Waits for the ticks of one schedule and gives them to the intake.
 *
 * The wall clock decides, and it can jump: it is looked at again after `lookMs` at the latest. A tick has an id of its
 * own, so that one that comes twice, from a clock that was set back or after a crash, is one event.
 */
import { backoffDelay } from '../backoff.ts';
import { type Clock, settledWithin } from '../clock.ts';
import { toSkerryError } from '../errors.ts';
import { deriveEventId, type Intake, type NewEvent } from '../events/intake.ts';
import type { Listener, ListenerState } from '../events/listener.ts';
import { type DueTick, dueTick, nextTick } from '../function/schedule.ts';
import type { ScheduleParams } from '../function/triggers.ts';

export type ScheduleListenerOptions = {
  readonly trigger: string;
  readonly params: ScheduleParams;
  readonly function: string;
  /** Of events that are this device's own, whoever else has the same trigger; see EventScope. */
  readonly device?: string | undefined;
  readonly intake: Intake;
  readonly clock: Clock;
  readonly random: () => number;
};

/** Milliseconds between two looks at the clock at most. */
export const lookMs = 30_000;
/** Milliseconds for what is on its way to the store at the end. */
const lastTickMs = 5_000;
const awayBackoff = { baseMs: 250, capMs: 5_000 };

export function createScheduleListener(options: ScheduleListenerOptions): Listener {
  const { trigger, device, params, intake, clock, random } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const input = new TextEncoder().encode(JSON.stringify(params.args));
  // A tick is not held back: whoever wants it later says so with `missed`.
  const limit = { maxPending: params.max_pending, whenFull: 'hold' } as const;
  const since = clock.now();
  let last: number | undefined;
  let lastMessage: number | undefined;
  let next: number | undefined;
  let received = 0;
  let dropped = 0;
  let error: string | undefined;
  let away = false;

  /** Repeats until the store is there; undefined when stopped before. */
  const persist = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    for (let failures = 1; !signal.aborted; failures += 1) {
      try {
        const result = await work();
        away = false;
        return result;
      } catch (cause) {
        away = true;
        error = `ticks cannot be kept now: ${toSkerryError(cause).message}`;
        await clock.sleep(backoffDelay(failures, random(), awayBackoff.baseMs, awayBackoff), signal);
      }
    }
    return undefined;
  };
  const setLast = async (moment: number) => {
    await persist(() => intake.setLastTick(trigger, moment));
    last = moment;
  };

  const keep = async (due: DueTick) => {
    const event: NewEvent = {
      id: deriveEventId({ trigger, device }, String(due.tick)),
      named: true,
      trigger,
      function: options.function,
      origin: 'schedule',
      input,
      createdAt: clock.now(),
      tick: due.last,
    };
    const kept = await persist(() => intake.record(event, limit));
    if (kept === undefined) return;
    if (kept !== 'known') {
      received += 1;
      lastMessage = event.createdAt;
    }
    error = undefined;
    if (kept === 'recorded') last = due.last;
    else await setLast(due.last);
    if (kept === 'full') {
      dropped += 1;
      error = 'a tick was dropped: there is no room for more events';
    }
  };

  /** Runs what is due, and finds the next tick. */
  const catchUp = async (now: number) => {
    if (last === undefined || last > now) await setLast(now);
    for (;;) {
      const due = dueTick(params, last ?? now, now);
      if (!due || signal.aborted) break;
      await keep(due);
    }
    next = nextTick(params, now);
  };

  const run = async () => {
    const kept = await persist(() => intake.lastTick(trigger).then((moment) => moment ?? Number.NaN));
    if (kept === undefined) return;
    if (Number.isNaN(kept)) await setLast(clock.now());
    else last = kept;
    let looked = Number.POSITIVE_INFINITY;
    while (!signal.aborted) {
      const now = clock.now();
      // What an expression means is worked out once for each tick, and anew when the clock was set back.
      if (next === undefined || now >= next || now < looked) await catchUp(now);
      looked = now;
      await clock.sleep(Math.min(lookMs, Math.max(1, (next ?? Number.POSITIVE_INFINITY) - now)), signal);
    }
  };
  const running = run();

  return {
    get state(): ListenerState {
      return {
        state: away ? 'holding' : 'up',
        since,
        ...(lastMessage !== undefined && { lastMessage }),
        ...(next !== undefined && { next }),
        received,
        dropped,
        ...(error !== undefined && { error }),
      };
    },
    async stop() {
      stopping.abort();
      // A store that is opened may be silent for minutes. Nothing is asked of it any more, and a tick that it still
      // keeps is the same event for whoever listens next.
      await settledWithin(clock, lastTickMs, running);
    },
    cut: () => stopping.abort(),
  };
}
