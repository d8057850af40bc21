/**
 * One attempt at a queued invocation, and what follows from it. A failure of the function costs an attempt of its
 * manifest's `retry`. A missing agent costs none, and is retried without an end (shared/function/retry.ts).
 */
import { backoffDelay } from '@skerry/shared/backoff.ts';
import { SkerryError, toSkerryError } from '@skerry/shared/errors.ts';
import { isHttp } from '@skerry/shared/function/bundle.ts';
import { afterFailure, type FailureFacts, type Retry } from '@skerry/shared/function/retry.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Claimed, Rested } from '../../db/events/claims.ts';
import { invokeForJson } from '../../invoke/invoke-over-http.ts';
import { findAgentOf, type InvocationOutcome, type Invoker } from '../../invoke/invoker.ts';
import type { CatalogFunction } from '../../model/catalog-function.ts';
import type { EndedInvocation } from '../../model/invocation.ts';
import { wantsInput } from '../../model/sink-interest.ts';
import { Aborted, Cancelled } from '../in-progress.ts';

export type AttemptVerdict =
  | { readonly kind: 'ended'; readonly ended: EndedInvocation }
  /** The next attempt begins in `delayMs` at the earliest. */
  | { readonly kind: 'rest'; readonly rested: Rested; readonly delayMs: number }
  /** The invocation ended meanwhile: there is nothing to record. */
  | { readonly kind: 'over' };

type AttemptOptions = {
  readonly invoker: Invoker;
  readonly catalog: Pick<Catalog, 'byId' | 'refresh'>;
  readonly now: () => Date;
  readonly random: () => number;
};

/**
 * An agent's answer does not say whether the function had started, nor which function lost the runner. So a failure that
 * is not retryable costs an attempt here, where the agent itself may know better.
 */
const assumed: FailureFacts = { started: true, blamed: true, stopping: false };

const nothing = new Uint8Array(0);
const authority = 'localhost';

/** @param rests waits for an agent in a row */
export type RunAttempt = (row: Claimed, rests: number, signal: AbortSignal) => Promise<AttemptVerdict>;

/** Never rejects. */
export function createAttempt({ invoker, catalog, now, random }: AttemptOptions): RunAttempt {
  const find = async (functionId: string): Promise<CatalogFunction> => {
    if (!catalog.byId(functionId)) await catalog.refresh();
    const fn = catalog.byId(functionId);
    if (!fn) throw new SkerryError('not_found', 'the function was deleted before it could run');
    return fn;
  };

  return async (row, rests, signal) => {
    const startedAt = now();
    const facts = { ...row, triggerId: row.triggerId ?? undefined, agent: row.agent ?? undefined, startedAt };
    let fn: CatalogFunction | undefined;
    try {
      signal.throwIfAborted();
      fn = await find(row.functionId);
      const { output, agent, revision } = await call(invoker, row, fn, signal);
      const input = wantsInput(fn) ? (row.input ?? nothing) : undefined;
      const attempts = row.attempts + 1;
      const result = { ok: true, output } as const;
      return { kind: 'ended', ended: { ...facts, input, agent, revision, attempts, endedAt: now(), result } };
    } catch (thrown) {
      if (signal.reason instanceof Cancelled) return { kind: 'over' };
      if (signal.reason instanceof Aborted) {
        return { kind: 'rest', rested: { id: row.id, attempts: row.attempts }, delayMs: 0 };
      }
      const error = toSkerryError(thrown);
      const next = nextAttempt(error, row.attempts, rests, fn?.manifest.retry, random);
      if (next.delayMs !== undefined) {
        return { kind: 'rest', rested: { id: row.id, attempts: next.attempts, error }, delayMs: next.delayMs };
      }
      const result = { ok: false, code: error.code, message: error.message } as const;
      const revision = next.attempts > 0 ? (fn?.revision ?? row.revision) : 0;
      const { attempts } = next;
      const agent = findAgentOf(thrown) ?? facts.agent;
      return {
        kind: 'ended',
        ended: { ...facts, agent, input: undefined, revision, attempts, endedAt: now(), result },
      };
    }
  };
}

/**
 * The attempts used after this failure, and the delay before the next attempt; undefined: there is none.
 * @param attempts used before this failure
 */
function nextAttempt(
  error: Pick<SkerryError, 'code'>,
  attempts: number,
  rests: number,
  retry: Retry | undefined,
  random: () => number,
): { readonly attempts: number; readonly delayMs: number | undefined } {
  const next = afterFailure(error.code, assumed);
  if (!retry || next === 'final') return { attempts, delayMs: undefined };
  const pace = { baseMs: retry.base_ms, capMs: retry.cap_ms };
  if (next === 'again') return { attempts, delayMs: backoffDelay(rests + 1, random(), 0, pace) };
  const spent = attempts + 1;
  return { attempts: spent, delayMs: spent < retry.attempts ? backoffDelay(spent, random(), 0, pace) : undefined };
}

function call(invoker: Invoker, row: Claimed, fn: CatalogFunction, signal: AbortSignal): Promise<InvocationOutcome> {
  const invocation = {
    id: row.id,
    function: fn,
    input: row.input ?? nothing,
    signal,
    ...(row.onlyAgent !== null && { agent: row.onlyAgent }),
    ...(row.traceparent !== null && { traceparent: row.traceparent }),
    ...(row.http !== null && { http: row.http }),
  };
  return isHttp(fn.world) ? invokeForJson(invoker, invocation, authority) : invoker.invoke(invocation);
}
