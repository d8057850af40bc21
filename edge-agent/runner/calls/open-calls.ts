/**
 * The calls without an answer: some wait in the agent, the others are in the runner's process.
 *
 * Invariant: each call gets exactly one answer.
 */
import type { ErrorCode } from '@skerry/shared/errors.ts';
import type { CallOutcome } from './call.ts';
import type { InFlight } from './in-flight.ts';
import type { Pending } from './pending.ts';

export class OpenCalls {
  readonly #inFlight: InFlight;
  readonly #onEnd: (seq: number) => void;
  /** Oldest first. */
  readonly #waiting: Pending[] = [];
  readonly #byId = new Map<string, Pending>();

  /** @param onEnd gets the number of each call that ends, just before the call is answered */
  constructor(inFlight: InFlight, onEnd: (seq: number) => void) {
    this.#inFlight = inFlight;
    this.#onEnd = onEnd;
  }

  /** All calls without an answer. */
  get size(): number {
    return this.#byId.size;
  }

  /** Calls that wait in the agent. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** @param id of the invocation */
  get(id: string): Pending | undefined {
    return this.#byId.get(id);
  }

  /** @returns true when a call without an answer needs this bundle */
  useBundle(digest: string): boolean {
    return [...this.#byId.values()].some(({ call }) => call.bundle === digest);
  }

  /** Adds a call to the end of those that wait. */
  add(pending: Pending): void {
    this.#byId.set(pending.call.id, pending);
    this.#waiting.push(pending);
  }

  /** Takes calls out of those that wait, in order, while the process takes more. Calls that may not start stay. */
  takeWaiting(mayStart: (pending: Pending) => boolean, start: (pending: Pending) => void): void {
    for (let at = 0; at < this.#waiting.length && !this.#inFlight.full; ) {
      const pending = this.#waiting[at];
      if (pending && mayStart(pending)) {
        this.#waiting.splice(at, 1);
        start(pending);
      } else at += 1;
    }
  }

  /** Answers a call that waits. The process never gets it. */
  failWaiting(pending: Pending, code: ErrorCode, message: string): void {
    const at = this.#waiting.indexOf(pending);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.fail(pending, code, message);
  }

  /** Answers all calls that wait. */
  failAllWaiting(code: ErrorCode, message: string): void {
    for (const pending of this.#waiting.splice(0)) this.fail(pending, code, message);
  }

  /** Answers a call with an error of the agent. `started` is false only for a call that the process never got. */
  fail(pending: Pending, code: ErrorCode, message: string): void {
    const started = pending.state !== 'waiting';
    this.finish(pending, { result: { ok: false, code, message }, durationUs: 0, cold: pending.cold, started });
  }

  /** Answers a call. A second answer to the same call has no effect. */
  finish(pending: Pending, outcome: CallOutcome): void {
    if (pending.state === 'done') return;
    this.#inFlight.remove(pending);
    pending.state = 'done';
    clearTimeout(pending.timer);
    this.#byId.delete(pending.call.id);
    this.#onEnd(pending.seq);
    pending.settle(outcome);
  }
}
