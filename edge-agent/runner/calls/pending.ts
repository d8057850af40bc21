/** One call in the agent, from the gate to its result, with early parts of its input. */
import type { Call, CallEvents, CallOutcome } from './call.ts';

export class Pending {
  readonly call: Call;
  readonly events: CallEvents;
  readonly seq: number;
  /** By the monotonic clock, in milliseconds. */
  readonly deadline: number;
  state: 'waiting' | 'sent' | 'parked' | 'done' = 'waiting';
  cold = false;
  /** The load of the code that it waits for. */
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
   * Keeps a frame for the call until it waits for the first time: only then its thread is certain, and only a part of
   * its input or a credit can wake it. Bounded by the sender's window.
   */
  hold(frame: Buffer): void {
    this.#early ??= [];
    this.#early.push(frame);
  }

  /** Returns the kept frames, once. */
  takeHeld(): Buffer[] {
    const held = this.#early ?? [];
    this.#early = undefined;
    return held;
  }
}
