/**
 * The timers of one instance, which jco's glue for asynchronous components gets in place of the global ones.
 *
 * The glue polls: it asks every 10 ms whether a waiting task can go on, and every millisecond whether the guest's end
 * of a stream has moved. The answers depend only on the host's progress for the instance, so the polls fire in rounds:
 * at once after progress of the host (`wake`), then ever more rarely, up to every 100 ms.
 *
 * Invariants: after `stop` nothing of the instance runs, and nothing is kept. An error that escapes from a poll goes to
 * `onFault`: thrown, it would end the thread, and with it every call that waits there.
 */

/** The names under which the glue finds them. */
export type PollTimers = {
  setTimeout(poll: () => unknown, delayMs?: number): number;
  setInterval(poll: () => unknown): number;
  clearInterval(timer: number): void;
  queueMicrotask(job: () => unknown): void;
  /** The host has made progress that the guest may be waiting for. */
  wake(): void;
  stop(): void;
};

/** Consecutive rounds after progress of the host, one for each turn of the event loop. */
const roundsAtOnce = 8;
/** Longest time between rounds without progress, in milliseconds; it doubles from 1. */
const longestPause = 100;
/** Maximum number of open polls: a guest makes them, by its tasks and streams. */
const maxPolls = 100_000;

type Poll = { readonly ask: () => unknown; readonly repeats: boolean };

/** @param onFault called with the error of a poll, thrown or rejected */
export function createPollTimers(onFault: (error: unknown) => void): PollTimers {
  const polls = new Map<number, Poll>();
  let soon: (() => unknown)[] = [];
  let lastTimer = 0;
  let rounds = 0;
  let stopped = false;
  let immediate: NodeJS.Immediate | undefined;
  let pause: NodeJS.Timeout | undefined;

  const ask = (poll: () => unknown) => {
    try {
      const answer = poll();
      if (answer instanceof Promise) answer.catch(onFault);
    } catch (error) {
      onFault(error);
    }
  };

  const schedule = () => {
    if (stopped || immediate) return;
    if (polls.size > 0 && rounds >= roundsAtOnce) {
      pause ??= setTimeout(round, Math.min(2 ** (rounds - roundsAtOnce), longestPause));
    } else {
      clearTimeout(pause);
      pause = undefined;
    }
    if (soon.length > 0 || (polls.size > 0 && rounds < roundsAtOnce)) immediate = setImmediate(turn);
  };

  const turn = () => {
    immediate = undefined;
    const now = soon;
    soon = [];
    for (const poll of now) ask(poll);
    if (rounds < roundsAtOnce) round();
    else schedule();
  };

  const round = () => {
    pause = undefined;
    rounds += 1;
    for (const [timer, poll] of [...polls]) {
      if (!poll.repeats) polls.delete(timer);
      if (!stopped) ask(poll.ask);
    }
    schedule();
  };

  const add = (poll: Poll): number => {
    lastTimer += 1;
    if (stopped) return lastTimer;
    if (polls.size >= maxPolls) throw new Error(`more than ${maxPolls} tasks and streams that wait`);
    polls.set(lastTimer, poll);
    schedule();
    return lastTimer;
  };

  return {
    setTimeout(poll, delayMs = 0) {
      if (delayMs > 0) return add({ ask: poll, repeats: false });
      if (!stopped) soon.push(poll);
      schedule();
      lastTimer += 1;
      return lastTimer;
    },
    setInterval: (poll) => add({ ask: poll, repeats: true }),
    clearInterval(timer) {
      polls.delete(timer);
    },
    queueMicrotask(job) {
      queueMicrotask(() => {
        if (!stopped) ask(job);
      });
    },
    wake() {
      rounds = 0;
      schedule();
    },
    stop() {
      stopped = true;
      polls.clear();
      soon = [];
      clearImmediate(immediate);
      clearTimeout(pause);
    },
  };
}
