/**
 * Synchronous invocation: choose an agent, send, wait, and try another agent as long as nothing has started.
 *
 * Invariants: one deadline covers all tries. A call that an agent has accepted is never made again from here. Every
 * reservation is returned in any case. A broken connection can lose the `accepted` frame, so a call that was sent and
 * then lost may run twice: the promise is at least once (docs/ARCHITECTURE.md, rule 4).
 */
import { randomUUIDv7 } from 'node:crypto';
import { type ErrorCode, errorKinds, SkerryError, toSkerryError } from '@skerry/shared/errors.ts';
import type { Headers, RequestHead, ResponseHead } from '@skerry/shared/http/http.ts';
import type { CatalogFunction } from '../model/catalog-function.ts';
import type { CallOutcome } from '../tunnel/calls/calls.ts';
import { CallLost } from '../tunnel/calls/calls.ts';
import type { CallStream } from '../tunnel/calls/streams.ts';
import type { Hub } from '../tunnel/hub.ts';
import type { Session } from '../tunnel/session.ts';
import type { Candidate, Policy } from './candidate.ts';
import { defaultPolicy } from './default-policy.ts';
import { createReservations, type Reservations } from './reserve.ts';

/** The caller's side of a call with bodies in parts; the head comes with the answering agent. */
export type AnswerStream = Omit<CallStream, 'head'> & {
  head(head: ResponseHead, from: Pick<InvocationOutcome, 'id' | 'agent'>): void;
};

export type InvocationRequest = {
  /** Absent: a new one. */
  readonly id?: string;
  readonly function: CatalogFunction;
  readonly input: Uint8Array;
  /** Name of the only agent that may run it. */
  readonly agent?: string;
  /** W3C trace context, passed through to the agent. */
  readonly traceparent?: string;
  /** The request behind the call. */
  readonly http?: RequestHead | undefined;
  /** Takes the answer in parts, and gives the body in parts when it has `begun`; for wasi:http functions only. */
  readonly stream?: AnswerStream;
  /** Aborts when the caller disconnects; a SkerryError as its reason becomes the error of the call. */
  readonly signal?: AbortSignal;
};

export type InvocationOutcome = {
  readonly id: string;
  /** Name of the agent that ran it. */
  readonly agent: string;
  readonly revision: number;
  readonly output: Uint8Array;
  readonly durationUs: number;
  readonly cold: boolean;
  /** Head of a complete HTTP answer: `output` is its body. */
  readonly head?: ResponseHead | undefined;
  /** Trailers that came with the end. */
  readonly trailers?: Headers | undefined;
};

export type Invoker = {
  /** Rejects with a SkerryError: the function's failure, or why no agent could run it. */
  invoke(invocation: InvocationRequest): Promise<InvocationOutcome>;
  /** Whether an agent that may run the function is connected here. @param agent name of the only one that may */
  reaches(fn: CatalogFunction, agent?: string): boolean;
};

type InvokerOptions = {
  readonly hub: Pick<Hub, 'eligible'>;
  readonly policy?: Policy;
  readonly random?: () => number;
  readonly now?: () => number;
};

/** Milliseconds beyond the deadline during which the agent may still report the outcome itself. */
const graceMs = 1_000;

type SessionCandidate = Candidate & { readonly session: Session };

export function createInvoker(options: InvokerOptions): Invoker {
  const { hub, policy = defaultPolicy, random = Math.random, now = performance.now.bind(performance) } = options;
  const reservations = createReservations();

  const choose = (invocation: InvocationRequest, tried: ReadonlySet<Session>): Session => {
    const fn = invocation.function;
    const sessions = hub
      .eligible(fn)
      .filter((session) => !tried.has(session) && (!invocation.agent || session.name === invocation.agent));
    const choice = policy(
      sessions.map((session) => candidateOf(session, fn, reservations)),
      fn.capacityBytes,
      random,
    );
    if (choice.agent) return choice.agent.session;
    throw new SkerryError(choice.code, messageFor(choice.code, invocation.agent));
  };

  return {
    reaches: (fn, agent) => hub.eligible(fn).some(({ name }) => agent === undefined || name === agent),
    async invoke(invocation) {
      const { function: fn, http, stream } = invocation;
      const { limits } = fn.manifest;
      const most = stream ? limits.body_bytes : limits.input_bytes;
      if (invocation.input.byteLength > most) {
        throw new SkerryError(
          'payload_too_large',
          `the input has ${invocation.input.byteLength} bytes, the function takes ${most}`,
        );
      }
      const id = invocation.id ?? randomUUIDv7();
      const limit = limits.timeout_ms;
      const deadline = now() + limit;
      const end = endOf(limit + graceMs, invocation.signal);
      const tried = new Set<Session>();
      let refusal: SkerryError | undefined;
      try {
        for (;;) {
          const timeoutMs = Math.ceil(deadline - now());
          if (timeoutMs <= 0) throw refusal ?? timeoutError(limit);
          const session = chooseOr(refusal, () => choose(invocation, tried));
          const release = reservations.take(session.agentId, fn.capacityBytes);
          try {
            const { traceparent } = invocation;
            const outcome = await session.call(
              {
                id,
                function: fn.id,
                timeoutMs,
                input: invocation.input,
                ...(traceparent && { traceparent }),
                ...(http && { http }),
                ...(stream?.begun && { streams: true }),
              },
              end.signal,
              stream && { ...stream, head: (head) => stream.head(head, { id, agent: session.name }) },
            );
            if (outcome.result.ok) return resultOf(id, session, outcome, outcome.result.output);
            throw new CallFailed(outcome.result, outcome.started, session.name);
          } catch (error) {
            if (!mayGoElsewhere(error)) throw startedAt(error, session.name);
            refusal = toSkerryError(error);
            tried.add(session);
          } finally {
            release();
          }
        }
      } finally {
        end.clear();
      }
    },
  };
}

const noAgentMessages = {
  no_agent: 'No worker available',
  no_capacity: 'No worker has enough memory available',
} as const satisfies Partial<Record<ErrorCode, string>>;

function candidateOf(session: Session, fn: CatalogFunction, reservations: Reservations): SessionCandidate {
  const held = reservations.held(session.agentId);
  return {
    id: session.agentId,
    memoryAvailable: session.load.memoryAvailable,
    reserved: held.bytes,
    running: held.calls,
    ready: session.holds(fn),
    session,
  };
}

/** When no agent is left to try, the reason of the last refusal says more than "no agent". */
function chooseOr(refusal: SkerryError | undefined, choose: () => Session): Session {
  try {
    return choose();
  } catch (error) {
    throw refusal ?? error;
  }
}

/** A call failed on an agent. A call that the agent reported as started is not tried again, with any error. */
class CallFailed extends SkerryError {
  readonly started: boolean;
  readonly agent: string;
  constructor({ code, message }: Pick<SkerryError, 'code' | 'message'>, started: boolean, agent: string) {
    super(code, message);
    this.name = 'CallFailed';
    this.started = started;
    this.agent = agent;
  }
}

/** Name of the agent of a failed call; undefined when none is known to have had it. */
export function findAgentOf(error: unknown): string | undefined {
  return error instanceof CallFailed ? error.agent : undefined;
}

/** The tunnel of the agent ended while it ran the call: the error names the agent. */
function startedAt(error: unknown, agent: string): unknown {
  return error instanceof CallLost ? new CallFailed(error, error.started, agent) : error;
}

function messageFor(code: keyof typeof noAgentMessages, agent: string | undefined): string {
  if (agent !== undefined && code === 'no_agent') return `No worker available named "${agent}"`;
  return noAgentMessages[code];
}

function mayGoElsewhere(error: unknown): boolean {
  if (error instanceof CallLost) return !error.started;
  if (error instanceof CallFailed && error.started) return false;
  return error instanceof SkerryError && errorKinds[error.code].retryable;
}

function resultOf(id: string, session: Session, outcome: CallOutcome, output: Uint8Array): InvocationOutcome {
  const { revision, durationUs, cold, head, trailers } = outcome;
  return { id, agent: session.name, revision, output, durationUs, cold, head, trailers };
}

function timeoutError(limitMs: number): SkerryError {
  return new SkerryError('function_timeout', `no answer within ${limitMs} ms`);
}

/** A signal that aborts at the deadline or when the caller disconnects, with the error of the call as its reason. */
function endOf(afterMs: number, caller: AbortSignal | undefined): { signal: AbortSignal; clear: () => void } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(timeoutError(afterMs - graceMs)), afterMs);
  const onAbort = () => {
    const reason: unknown = caller?.reason;
    controller.abort(reason instanceof SkerryError ? reason : new SkerryError('cancelled', 'the caller disconnected'));
  };
  if (caller?.aborted) onAbort();
  else caller?.addEventListener('abort', onAbort);
  return {
    signal: controller.signal,
    clear() {
      clearTimeout(timer);
      caller?.removeEventListener('abort', onAbort);
    },
  };
}
