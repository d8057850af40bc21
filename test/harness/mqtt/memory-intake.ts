/** An intake in memory that a test can fill, take away and open again. */
import type { Intake, NewEvent } from '@skerry/shared/events/intake.ts';

export type TestIntake = Intake & {
  /** Stored events, in order. */
  readonly events: NewEvent[];
  /** Inputs of the stored events, as JSON. */
  readonly inputs: unknown[];
  /** Events that it takes in all; further ones find no room. */
  takes: number;
  /** True: the store does not answer. */
  away: boolean;
  /** Milliseconds until an event is on disk. */
  delayMs: number;
  /** Resolves when this number of events is stored. */
  kept(count: number, timeoutMs?: number): Promise<void>;
};

export function createTestIntake(): TestIntake {
  const ids = new Set<string>();
  const ticks = new Map<string, number>();
  const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const poll = async (fits: () => boolean, timeoutMs: number, what: () => string) => {
    const end = performance.now() + timeoutMs;
    while (!fits()) {
      if (performance.now() > end) throw new Error(what());
      await rest(5);
    }
  };
  const intake: TestIntake = {
    events: [],
    get inputs() {
      return intake.events.map(({ input }) => JSON.parse(Buffer.from(input).toString()));
    },
    takes: Number.POSITIVE_INFINITY,
    away: false,
    delayMs: 1,
    async record(event) {
      if (intake.away) throw new Error('the store is away');
      if (ids.has(event.id)) return 'known';
      if (intake.events.length >= intake.takes) return 'full';
      ids.add(event.id);
      intake.events.push(event);
      if (event.tick !== undefined) ticks.set(event.trigger, event.tick);
      await rest(intake.delayMs);
      return 'recorded';
    },
    async waitForRoom(_trigger, _room, signal) {
      while (!signal.aborted && intake.events.length >= intake.takes) await rest(5);
    },
    lastTick: async (trigger) => ticks.get(trigger),
    async setLastTick(trigger, moment) {
      ticks.set(trigger, moment);
    },
    kept: (count, timeoutMs = 20_000) =>
      poll(
        () => intake.events.length >= count,
        timeoutMs,
        () => `${intake.events.length} of ${count} events were kept`,
      ),
  };
  return intake;
}
