/**
 * The one door: every invocation on this agent, wherever it comes from, goes through here, with the same limits and
 * the same accounting.
 *
 * An invocation of a function whose code is still on its way waits for it, within its deadline.
 */
import { type OutcomeCode, SkerryError, toOutcomeCode, toSkerryError } from '@skerry/shared/errors.ts';
import type { Functions } from './functions.ts';
import type { Runner } from './runner/runner.ts';

export type Invocation = {
  readonly id: string;
  readonly function: string;
  readonly input: Uint8Array;
  /** Milliseconds from now, waiting included. */
  readonly timeoutMs: number;
};

export type InvocationOutcome = {
  readonly result:
    | { readonly ok: true; readonly output: Uint8Array }
    | { readonly ok: false; readonly code: OutcomeCode; readonly message: string };
  /** Revision that ran; 0 when none did. */
  readonly revision: number;
  readonly durationUs: number;
  readonly cold: boolean;
};

export type Door = {
  /** Never rejects. `onStart` is called just before a thread takes the call. */
  invoke(invocation: Invocation, onStart: () => void): Promise<InvocationOutcome>;
  /** Nobody waits for this invocation any more. */
  cancel(id: string): void;
  /** Takes no new invocation from now on; resolves when none is left. */
  drain(): Promise<void>;
  /** Invocations inside the door. */
  readonly inside: number;
};

export type DoorOptions = {
  readonly functions: Pick<Functions, 'active' | 'ready'>;
  readonly runner: Pick<Runner, 'call' | 'cancel'>;
  /** Called with every outcome, for the metrics. */
  readonly onOutcome: (outcome: InvocationOutcome) => void;
  readonly now?: () => number;
};

export function createDoor({ functions, runner, onOutcome, now = () => performance.now() }: DoorOptions): Door {
  const waiting = new Map<string, AbortController>();
  let inside = 0;
  let draining = false;
  let onEmpty: (() => void) | undefined;

  /** The function, at once when it is here: the common case makes no timer. */
  const arrive = async ({ id, function: functionId, timeoutMs }: Invocation) => {
    const active = functions.active.get(functionId);
    if (active) return active;
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), timeoutMs);
    waiting.set(id, patience);
    try {
      return await functions.ready(functionId, patience.signal);
    } finally {
      clearTimeout(timer);
      waiting.delete(id);
    }
  };

  const run = async (invocation: Invocation, onStart: () => void): Promise<InvocationOutcome> => {
    if (draining) throw new SkerryError('agent_draining', 'the agent is shutting down');
    const entered = now();
    const fn = await arrive(invocation);
    const { limits, env, args, instance, bundle, revision } = fn;
    if (invocation.input.byteLength > limits.input_bytes) {
      throw new SkerryError('payload_too_large', `the function takes ${limits.input_bytes} bytes of input`);
    }
    const timeoutMs = Math.min(invocation.timeoutMs, limits.timeout_ms) - (now() - entered);
    const { result, durationUs, cold } = await runner.call(
      {
        id: invocation.id,
        bundle,
        env,
        args,
        instance,
        outputBytes: limits.output_bytes,
        timeoutMs: Math.max(1, Math.round(timeoutMs)),
        input: invocation.input,
      },
      onStart,
    );
    return { result: result.ok ? result : { ...result, code: toOutcomeCode(result.code) }, durationUs, cold, revision };
  };

  return {
    async invoke(invocation, onStart) {
      inside += 1;
      const outcome = await run(invocation, onStart).catch((error): InvocationOutcome => {
        const { code, message } = toSkerryError(error);
        return { result: { ok: false, code: toOutcomeCode(code), message }, revision: 0, durationUs: 0, cold: false };
      });
      inside -= 1;
      if (inside === 0) onEmpty?.();
      onOutcome(outcome);
      return outcome;
    },
    cancel(id) {
      waiting.get(id)?.abort();
      runner.cancel(id);
    },
    drain() {
      draining = true;
      return new Promise((resolve) => {
        if (inside === 0) resolve();
        else onEmpty = resolve;
      });
    },
    get inside() {
      return inside;
    },
  };
}
