/**
 * Limits the share of the runner that events may take, so that live calls find room. Events of slow functions leave a
 * thread free where there is more than one. Events of quick functions may have some calls in each thread, because most
 * of the cost of such a call is passing it on; a live call waits behind them for some milliseconds. While calls wait,
 * the share is smaller.
 *
 * One event may always run: events do not starve.
 */
import type { RunnerStats } from '../../runner/calls/call.ts';

/** An average below this is quick, in microseconds. */
const quickUs = 500;
/** Calls of quick functions per thread. */
const usual = 8;
/** While calls of others wait. */
const whileOthersWait = 1;
/** Share of the newest call in a function's average. */
const weight = 1 / 16;
/** The assumed duration of an unknown function, in microseconds. */
const unknownUs = 5_000;

export type EventShare = {
  mayStart(functionId: string): boolean;
  started(functionId: string): void;
  /** @param durationUs 0 when it never ran to an end */
  ended(functionId: string, durationUs: number): void;
  /** Of events. */
  readonly running: number;
};

/**
 * @param stats of the runner
 * @param inside calls that have passed the agent's gate, including those of events
 */
export function createShare(
  threads: number,
  stats: () => Pick<RunnerStats, 'queued' | 'parked'>,
  inside: () => number,
): EventShare {
  /** Bounded by the functions that the agent holds, and by `most`. */
  const averages = new Map<string, number>();
  const most = 20_000;
  let running = 0;
  const isQuick = (functionId: string) => (averages.get(functionId) ?? unknownUs) < quickUs;
  return {
    mayStart(functionId) {
      if (running === 0) return true;
      const { queued, parked } = stats();
      if (isQuick(functionId)) {
        const others = inside() - running;
        const perThread = others > 0 && queued > 0 ? whileOthersWait : usual;
        return running - Math.min(running, parked) < threads * perThread;
      }
      // Counted at the gate, because a call that has just passed it is not in the runner yet.
      return inside() - parked < Math.max(1, threads - 1);
    },
    started() {
      running += 1;
    },
    ended(functionId, durationUs) {
      running -= 1;
      if (durationUs === 0) return;
      if (averages.size >= most) averages.clear();
      const before = averages.get(functionId) ?? Math.min(durationUs, unknownUs);
      averages.set(functionId, before + (durationUs - before) * weight);
    },
    get running() {
      return running;
    },
  };
}
