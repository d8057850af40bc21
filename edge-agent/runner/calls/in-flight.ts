/**
 * The calls in the runner's process, and whether it may take another one.
 *
 * Invariants: calls that wait in their thread do not count against the window, but have a bound of their own. A
 * function that fills the window does not keep out a function without calls in the process.
 */
import type { Pending } from './pending.ts';
import type { Window } from './window.ts';

/** Calls that may wait in threads at once: each holds an instance. */
const maxParked = 4_096;
/** Calls beyond the window, one each, for functions without calls in the process. */
const spare = 64;

export type InFlight = {
  mayTake(functionId: string): boolean;
  /** True when no call can be taken. */
  readonly full: boolean;
  add(pending: Pending): void;
  /** The call has begun to wait. */
  park(pending: Pending): void;
  remove(pending: Pending): void;
  get(seq: number): Pending | undefined;
  all(): Pending[];
  /** Calls that run or are next. */
  readonly active: number;
  readonly parked: number;
};

export function createInFlight(window: Window): InFlight {
  const bySeq = new Map<number, Pending>();
  /** Calls of each function that run or are next. */
  const active = new Map<string, number>();
  let parked = 0;
  const change = ({ call }: Pending, by: number) => {
    const { function: id } = call.granted;
    const count = (active.get(id) ?? 0) + by;
    if (count === 0) active.delete(id);
    else active.set(id, count);
  };
  return {
    mayTake(functionId) {
      const running = bySeq.size - parked;
      if (parked >= maxParked) return false;
      return running < window.size || (running < window.size + spare && !active.has(functionId));
    },
    get full() {
      return parked >= maxParked || bySeq.size - parked >= window.size + spare;
    },
    add(pending) {
      bySeq.set(pending.seq, pending);
      change(pending, 1);
    },
    park(pending) {
      if (pending.state !== 'sent') return;
      pending.state = 'parked';
      parked += 1;
      change(pending, -1);
    },
    remove(pending) {
      if (!bySeq.delete(pending.seq)) return;
      if (pending.state === 'parked') parked -= 1;
      else change(pending, -1);
    },
    get: (seq) => bySeq.get(seq),
    all: () => [...bySeq.values()],
    get active() {
      return bySeq.size - parked;
    },
    get parked() {
      return parked;
    },
  };
}
