/**
 * The one gate: every invocation on this agent, from any origin, passes it, with the same limits and the same
 * accounting.
 *
 * An invocation of a function whose code is still on its way waits for it, within its deadline.
 */
import { type OutcomeCode, SkerryError, toOutcomeCode, toSkerryError } from '@skerry/shared/errors.ts';
import type { Headers, RequestHead, ResponseHead } from '@skerry/shared/http/http.ts';
import type { Result } from '@skerry/shared/result.ts';
import type { DesiredFunction } from '@skerry/shared/tunnel/protocol.ts';
import type { Functions } from '../desired/active-functions.ts';
import type { CallEvents, Runner } from '../runner/calls/call.ts';
import type { LogEntry, PipePart } from '../runner/protocol/stream-wire.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import { encodeEnvironment } from './environment.ts';

export type InvocationRequest = {
  readonly id: string;
  readonly function: string;
  readonly input: Uint8Array;
  /** Milliseconds from now, waiting included. */
  readonly timeoutMs: number;
  /** The request, when it came over HTTP. */
  readonly http?: RequestHead | undefined;
  /** Parts of the input follow, through `part`. */
  readonly streams?: boolean | undefined;
};

export type InvocationEvents = Omit<CallEvents, 'onLog'>;

export type InvocationOutcome = {
  readonly result: Result<OutcomeCode>;
  readonly head?: ResponseHead | undefined;
  readonly trailers?: Headers | undefined;
  /** Revision that ran; 0 when none did. */
  readonly revision: number;
  readonly durationUs: number;
  readonly cold: boolean;
};

export type InvocationGate = {
  /** Never rejects. `onStart` is called just before a thread takes the call. */
  invoke(invocation: InvocationRequest, events: InvocationEvents): Promise<InvocationOutcome>;
  /** A part of the input of a streaming invocation. */
  part(id: string, part: PipePart): void;
  /** This number of further bytes of its answer may come. */
  credit(id: string, bytes: number): void;
  /** The caller no longer waits for this invocation. */
  cancel(id: string): void;
  /** Takes no new invocation from now on; resolves when none is left. */
  drain(): Promise<void>;
  /** Invocations that have passed the gate and have not ended. */
  readonly active: number;
};

type InvocationGateOptions = {
  readonly functions: Pick<Functions, 'active' | 'ready'>;
  readonly runner: Pick<Runner, 'call' | 'part' | 'credit' | 'cancel'>;
  readonly circuitBreaker: Pick<CircuitBreaker, 'heldForMs' | 'ended'>;
  /** Called with every outcome, for the metrics. */
  readonly onOutcome: (outcome: InvocationOutcome) => void;
  readonly onLog: (fn: DesiredFunction, invocation: string, entry: LogEntry) => void;
  readonly now?: () => number;
};

export function createInvocationGate(options: InvocationGateOptions): InvocationGate {
  const { functions, runner, circuitBreaker, onOutcome, onLog, now = () => performance.now() } = options;
  /** Invocations whose function is not here yet, and the parts of their input that have arrived. */
  const waiting = new Map<string, { readonly patience: AbortController; readonly parts: PipePart[] }>();
  /** Texts of functions' environments, made once each. */
  const environment = new WeakMap<DesiredFunction, string>();
  /** Admitted invocations that have not ended, by function. */
  const concurrent = new Map<string, number>();
  let inside = 0;
  let draining = false;
  let onEmpty: (() => void) | undefined;

  /** The function, without a timer when it is here, which is the common case. */
  const arrive = async ({ id, function: functionId, timeoutMs }: InvocationRequest, parts: PipePart[]) => {
    const active = functions.active.get(functionId);
    if (active) return active;
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), timeoutMs);
    waiting.set(id, { patience, parts });
    try {
      return await functions.ready(functionId, patience.signal);
    } finally {
      clearTimeout(timer);
      waiting.delete(id);
    }
  };

  /** @throws SkerryError when the function may not take this invocation now */
  const admit = ({ function: functionId, input }: InvocationRequest, { limits, grants }: DesiredFunction) => {
    if (input.byteLength > limits.input_bytes) {
      throw new SkerryError('payload_too_large', `the function takes ${limits.input_bytes} bytes of input`);
    }
    if ((concurrent.get(functionId) ?? 0) >= grants.concurrency) {
      throw new SkerryError('agent_busy', `${grants.concurrency} invocations of this function run already`);
    }
    const heldMs = circuitBreaker.heldForMs(functionId);
    if (heldMs > 0) {
      const seconds = Math.ceil(heldMs / 1_000);
      throw new SkerryError('function_held_back', `it ended its runner again and again; held back for ${seconds} s`);
    }
  };

  const environmentFor = (fn: DesiredFunction): string => {
    let text = environment.get(fn);
    if (text === undefined) {
      text = encodeEnvironment(fn);
      environment.set(fn, text);
    }
    return text;
  };

  const run = async (invocation: InvocationRequest, events: InvocationEvents): Promise<InvocationOutcome> => {
    if (draining) throw new SkerryError('agent_draining', 'the agent is shutting down');
    const entered = now();
    const early: PipePart[] = [];
    const fn = await arrive(invocation, early);
    admit(invocation, fn);
    count(fn.id, 1);
    const { limits, grants, instance, bundle, revision } = fn;
    const timeoutMs = Math.min(invocation.timeoutMs, limits.timeout_ms) - (now() - entered);
    const calling = runner.call(
      {
        id: invocation.id,
        bundle,
        environment: environmentFor(fn),
        granted: { function: fn.id, grants },
        instance,
        outputBytes: limits.output_bytes,
        timeoutMs: Math.max(1, Math.round(timeoutMs)),
        request: invocation.http,
        streams: invocation.streams ?? false,
        input: invocation.input,
      },
      { ...events, onLog: (entry) => onLog(fn, invocation.id, entry) },
    );
    for (const part of early) runner.part(invocation.id, part);
    const { result, head, trailers, durationUs, cold, started } = await calling;
    count(fn.id, -1);
    circuitBreaker.ended(fn.id, started && (result.ok || result.code !== 'runner_lost'));
    const told = result.ok ? result : { ...result, code: toOutcomeCode(result.code) };
    return { result: told, head, trailers, durationUs, cold, revision };
  };

  const count = (functionId: string, by: number) => {
    const next = (concurrent.get(functionId) ?? 0) + by;
    if (next === 0) concurrent.delete(functionId);
    else concurrent.set(functionId, next);
  };

  return {
    async invoke(invocation, events) {
      inside += 1;
      const outcome = await run(invocation, events).catch((error): InvocationOutcome => {
        const { code, message } = toSkerryError(error);
        return { result: { ok: false, code: toOutcomeCode(code), message }, revision: 0, durationUs: 0, cold: false };
      });
      inside -= 1;
      if (inside === 0) onEmpty?.();
      onOutcome(outcome);
      return outcome;
    },
    part(id, part) {
      const parts = waiting.get(id)?.parts;
      if (parts) parts.push(part);
      else runner.part(id, part);
    },
    credit: runner.credit,
    cancel(id) {
      waiting.get(id)?.patience.abort();
      runner.cancel(id);
    },
    drain() {
      draining = true;
      return new Promise((resolve) => {
        if (inside === 0) resolve();
        else onEmpty = resolve;
      });
    },
    get active() {
      return inside;
    },
  };
}
