/** One call in the agent, from the door to its result, and the parts of its input that came before it could take them. */
import type { Call, CallEvents, CallOutcome } from './call.ts';

export class Pending {
  readonly call: Call;
  readonly events: CallEvents;
  readonly seq: number;
  /** By the monotonic clock, in milliseconds. */
  readonly deadline: number;
  state: 'waiting' | 'sent' | 'parked' | 'done' = 'waiting';
  cold = false;
  /** The load of its code that it waits for. */
  code: Promise<void> | undefined;
  timer: NodeJS.Timeout | undefined;
  readonly settle: (result: CallOutcome) => void;
  #early: Buffer[] | undefined;

  constructor(call: Call, events: CallEvents, seq: number, now: number, settle: (result: CallOutcome) => void) {
    this.call = call;
    this.events = events;
    this.seq = seq;
    this.deadline = now + call.timeoutMs;
    this.settle = settle;
  }

  /**
   * Keeps a frame for the call until it waits for the first time: only then it is certain in which thread it is, and
   * nothing but a part of its input or a credit can wake it. Bounded by the window of whoever sends.
   */
  hold(frame: Buffer): void {
    this.#early ??= [];
    this.#early.push(frame);
  }

  /** What was held, once. */
  takeHeld(): Buffer[] {
    const held = this.#early ?? [];
    this.#early = undefined;
    return held;
  }
}
