/**
 * Calls in flight on one tunnel, each with its waiting caller. When the tunnel ends, every call is settled at once, and
 * says whether the function may have started.
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import type { FrameOf, ToControl } from '@skerry/shared/tunnel/protocol.ts';
import type { Stream } from './streams.ts';

/** The agent's outcome of a call. `started`: the agent had accepted the call before. */
export type CallOutcome = FrameOf<ToControl, 'outcome'> & { readonly started: boolean };

/** The tunnel ended while a call was in flight. `started`: the agent had accepted it. */
export class CallLost extends SkerryError {
  readonly started: boolean;
  constructor(started: boolean, message: string) {
    super(started ? 'agent_lost' : 'agent_unreachable', message);
    this.name = 'CallLost';
    this.started = started;
  }
}

type Waiting = {
  started: boolean;
  readonly stream: Stream | undefined;
  readonly resolve: (outcome: CallOutcome) => void;
  readonly reject: (error: SkerryError) => void;
};

export type Calls = {
  /** Waits for the outcome of an invocation that is being sent; rejects with CallLost. */
  wait(id: string, stream?: Stream): Promise<CallOutcome>;
  accepted(id: string): void;
  /** The stream of a waiting call, if it has one. An agent that sends on the stream has begun the call. */
  stream(id: string): Stream | undefined;
  /** Frames for calls without a waiting caller are ignored. */
  outcome(frame: FrameOf<ToControl, 'outcome'>): void;
  /** Ends the wait; rejects the promise with `error`. */
  abandon(id: string, error: SkerryError): void;
  failAll(message: string): void;
  readonly size: number;
};

export function createCalls(): Calls {
  const waiting = new Map<string, Waiting>();
  const take = (id: string) => {
    const call = waiting.get(id);
    waiting.delete(id);
    call?.stream?.end();
    return call;
  };
  return {
    wait: (id, stream) =>
      new Promise((resolve, reject) => waiting.set(id, { started: false, stream, resolve, reject })),
    accepted(id) {
      const call = waiting.get(id);
      if (!call) return;
      call.started = true;
      call.stream?.accepted();
    },
    stream(id) {
      const call = waiting.get(id);
      if (call?.stream) call.started = true;
      return call?.stream;
    },
    outcome(frame) {
      const call = take(frame.id);
      call?.resolve({ ...frame, started: call.started });
    },
    abandon: (id, error) => take(id)?.reject(error),
    failAll(message) {
      const calls = [...waiting.values()];
      waiting.clear();
      for (const call of calls) {
        call.stream?.end();
        call.reject(new CallLost(call.started, message));
      }
    },
    get size() {
      return waiting.size;
    },
  };
}
