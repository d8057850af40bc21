/** wasi:clocks. A timer runs only while a guest waits for it, so no timer outlives its call. */
import type { CallSignal, Gate } from './gate.ts';
import { Pollable } from './pollable.ts';

/** Longest delay of a timer of the event loop, in milliseconds. */
const longestTimer = 2 ** 31 - 1;
const nanosecondsPerMs = 1_000_000;

/**
 * @param signal of the running call
 * @param now milliseconds; only differences count, and it never goes back
 */
export function createMonotonicClock(signal: CallSignal, now: () => number = () => performance.now()) {
  const until = (atMs: number): Pollable => Pollable.of(timerGate(atMs, now), signal);
  return {
    now: (): bigint => BigInt(Math.floor(now() * nanosecondsPerMs)),
    resolution: (): bigint => 1_000n,
    /** @param when nanoseconds on the clock of `now` */
    subscribeInstant: (when: bigint): Pollable => until(Number(when) / nanosecondsPerMs),
    /** @param duration nanoseconds */
    subscribeDuration: (duration: bigint): Pollable => until(now() + Number(duration) / nanosecondsPerMs),
  };
}

function timerGate(atMs: number, now: () => number): Gate {
  const waiting = new Set<() => void>();
  let timer: NodeJS.Timeout | undefined;
  const ring = () => {
    timer = undefined;
    for (const wake of [...waiting]) wake();
  };
  return {
    isOpen: () => now() >= atMs,
    add(wake) {
      waiting.add(wake);
      // A timer may fire a little early. The waiter then checks the time, and waits again.
      timer ??= setTimeout(ring, Math.min(Math.max(1, Math.ceil(atMs - now())), longestTimer));
    },
    remove(wake) {
      waiting.delete(wake);
      if (waiting.size > 0) return;
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
