/**
 * Listens to one schedule: gives each tick to the intake.
 *
 * The wall clock decides, and it can jump. So the listener looks at it again after at most `maxLookMs`. Each tick has
 * an id of its own. A tick that comes twice, after the clock was set back or after a crash, is therefore one event.
 *
 * The loop is written by hand because it has two waits. A write is repeated in place until the store takes it: a step
 * that began again from the clock would find the tick late, and `missed` would leave it out.
 */
import { backoffDelay } from '../backoff.ts';
import { type Clock, settledWithin } from '../clock.ts';
import { toSkerryError } from '../errors.ts';
import { deriveEventId, type Intake, type NewEvent, type PendingLimit } from '../events/intake.ts';
import type { Listener, ListenerState } from '../events/listener.ts';
import { type DueTick, findDueTick, findNextTick } from '../function/schedule.ts';
import type { ScheduleParams } from '../function/triggers.ts';

type ScheduleListenerOptions = {
  readonly trigger: string;
  readonly params: ScheduleParams;
  readonly function: string;
  /** Set where the events belong to this device, although other devices have the same trigger. See `EventScope`. */
  readonly device?: string | undefined;
  readonly intake: Intake;
  readonly clock: Clock;
  readonly random: () => number;
};

/** Longest time between two looks at the clock, in milliseconds. */
const maxLookMs = 30_000;
/** How long `stop` waits for a write, in milliseconds. */
const lastWriteMs = 5_000;
const awayBackoff = { baseMs: 250, capMs: 5_000 };

export function createScheduleListener(options: ScheduleListenerOptions): Listener {
  return new ScheduleListener(options);
}

class ScheduleListener implements Listener {
  readonly #options: ScheduleListenerOptions;
  readonly #input: Uint8Array;
  readonly #since: number;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #last: number | undefined;
  #lastMessage: number | undefined;
  #next: number | undefined;
  #received = 0;
  #dropped = 0;
  #error: string | undefined;
  #isStoreAway = false;

  constructor(options: ScheduleListenerOptions) {
    this.#options = options;
    this.#input = new TextEncoder().encode(JSON.stringify(options.params.args));
    this.#since = options.clock.now();
    this.#running = this.#run();
  }

  get state(): ListenerState {
    return {
      state: this.#isStoreAway ? 'holding' : 'up',
      since: this.#since,
      ...(this.#lastMessage !== undefined && { lastMessage: this.#lastMessage }),
      ...(this.#next !== undefined && { next: this.#next }),
      received: this.#received,
      dropped: this.#dropped,
      ...(this.#error !== undefined && { error: this.#error }),
    };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    // A store that is opening can be silent for minutes. The listener asks it nothing more. If it still stores a tick,
    // the next listener derives the same id for that tick.
    await settledWithin(this.#options.clock, lastWriteMs, this.#running);
  }

  cut(): void {
    this.#stopping.abort();
  }

  async #run(): Promise<void> {
    const { trigger, intake, clock } = this.#options;
    const { signal } = this.#stopping;
    const stored = await this.#persist(() => intake.lastTick(trigger).then((moment) => moment ?? Number.NaN));
    if (stored === undefined) return;
    if (Number.isNaN(stored)) await this.#setLast(clock.now());
    else this.#last = stored;
    let lookedAt = Number.POSITIVE_INFINITY;
    while (!signal.aborted) {
      const now = clock.now();
      // The expression is evaluated once per tick, and again when the clock was set back.
      if (this.#next === undefined || now >= this.#next || now < lookedAt) await this.#catchUp(now);
      lookedAt = now;
      const untilNextMs = (this.#next ?? Number.POSITIVE_INFINITY) - now;
      await clock.sleep(Math.min(maxLookMs, Math.max(1, untilNextMs)), signal);
    }
  }

  /** Records the ticks that are due, and finds the next one. */
  async #catchUp(now: number): Promise<void> {
    const { params } = this.#options;
    if (this.#last === undefined || this.#last > now) await this.#setLast(now);
    for (;;) {
      const due = findDueTick(params, this.#last ?? now, now);
      if (!due || this.#stopping.signal.aborted) break;
      await this.#record(due);
    }
    this.#next = findNextTick(params, now);
  }

  async #record(due: DueTick): Promise<void> {
    const { trigger, device, params, intake, clock } = this.#options;
    // A full queue drops the tick instead of holding it back. Users who want late ticks set `missed`.
    const limit: PendingLimit = { maxPending: params.max_pending, whenFull: 'hold' };
    const event: NewEvent = {
      id: deriveEventId({ trigger, device }, String(due.tick)),
      named: true,
      trigger,
      function: this.#options.function,
      origin: 'schedule',
      input: this.#input,
      createdAt: clock.now(),
      tick: due.last,
    };
    const result = await this.#persist(() => intake.record(event, limit));
    if (result === undefined) return;
    if (result !== 'known') {
      this.#received += 1;
      this.#lastMessage = event.createdAt;
    }
    this.#error = undefined;
    if (result === 'recorded') this.#last = due.last;
    else await this.#setLast(due.last);
    if (result === 'full') {
      this.#dropped += 1;
      this.#error = 'a tick was dropped: there is no room for more events';
    }
  }

  async #setLast(moment: number): Promise<void> {
    const { trigger, intake } = this.#options;
    await this.#persist(() => intake.setLastTick(trigger, moment));
    this.#last = moment;
  }

  /** Repeats the write until the store takes it. Resolves with undefined when the listener stops first. */
  async #persist<T>(write: () => Promise<T>): Promise<T | undefined> {
    const { clock, random } = this.#options;
    const { signal } = this.#stopping;
    for (let failures = 1; !signal.aborted; failures += 1) {
      try {
        const result = await write();
        this.#isStoreAway = false;
        return result;
      } catch (cause) {
        this.#isStoreAway = true;
        this.#error = `ticks cannot be kept now: ${toSkerryError(cause).message}`;
        await clock.sleep(backoffDelay(failures, random(), awayBackoff.baseMs, awayBackoff), signal);
      }
    }
    return undefined;
  }
}
