/**
 * Calls in flight on one tunnel: who waits for which outcome. When the tunnel goes, every one is settled at once,
 * and says whether the function may have started.
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import type { FrameOf, ToControl } from '@skerry/shared/protocol.ts';

/** What the agent says became of a call. `started`: it had said before that the call began. */
export type Outcome = FrameOf<ToControl, 'outcome'> & { readonly started: boolean };

/** The tunnel went while a call was in flight. `started`: the agent had said that it began. */
export class CallLost extends SkerryError {
  readonly started: boolean;
  constructor(started: boolean, message: string) {
    super(started ? 'agent_lost' : 'agent_unreachable', message);
    this.name = 'CallLost';
    this.started = started;
  }
}

type Waiting = { started: boolean; resolve: (outcome: Outcome) => void; reject: (error: SkerryError) => void };

export type Calls = {
  /** Waits for the outcome of an invocation that is being sent; rejects with CallLost. */
  wait(id: string): Promise<Outcome>;
  accepted(id: string): void;
  /** Frames for calls that nobody waits for are left alone: their callers are gone. */
  outcome(frame: FrameOf<ToControl, 'outcome'>): void;
  /** Nobody waits any more; rejects the waiting promise with `error`. */
  abandon(id: string, error: SkerryError): void;
  failAll(message: string): void;
  readonly size: number;
};

export function createCalls(): Calls {
  const waiting = new Map<string, Waiting>();
  const take = (id: string) => {
    const call = waiting.get(id);
    waiting.delete(id);
    return call;
  };
  return {
    wait: (id) => new Promise((resolve, reject) => waiting.set(id, { started: false, resolve, reject })),
    accepted(id) {
      const call = waiting.get(id);
      if (call) call.started = true;
    },
    outcome(frame) {
      const call = take(frame.id);
      call?.resolve({ ...frame, started: call.started });
    },
    abandon: (id, error) => take(id)?.reject(error),
    failAll(message) {
      const calls = [...waiting.values()];
      waiting.clear();
      for (const call of calls) call.reject(new CallLost(call.started, message));
    },
    get size() {
      return waiting.size;
    },
  };
}
