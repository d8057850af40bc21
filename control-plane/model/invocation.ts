/**
 * Invocations that are kept, as the parts that make them, run them and deliver their outcomes see them. Types only:
 * what keeps them is queue/queue.ts.
 */
import type { RequestHead } from '@skerry/shared/http/http.ts';
import type { Result } from '@skerry/shared/result.ts';
import type { CatalogFunction } from './catalog-function.ts';
import type { InvocationOrigin } from './origin.ts';

/** An invocation to be run when there is somebody to run it. */
export type NewInvocation = {
  /** Made by whoever first recorded the event; the same id again is the same invocation. Absent: a new one. */
  readonly id?: string;
  readonly function: CatalogFunction;
  readonly input: Uint8Array;
  readonly origin: InvocationOrigin;
  /** When the event came in, or the request. */
  readonly createdAt: Date;
  readonly triggerId?: string | undefined;
  /** Invocations of its trigger that may run at one time, in all control planes together. */
  readonly concurrency?: number | undefined;
  readonly createdBy?: string | undefined;
  readonly onlyAgent?: string | undefined;
  readonly traceparent?: string | undefined;
  /** The request as it came, for wasi:http functions called as they are. */
  readonly http?: RequestHead | undefined;
  /** Where the outcome is POSTed to. */
  readonly callbackUrl?: string | undefined;
  readonly idempotency?: { readonly key: string; readonly digest: string } | undefined;
};

/** What became of an invocation, here or on a device. */
export type EndedInvocation = {
  readonly id: string;
  readonly functionId: string;
  readonly module: string;
  readonly name: string;
  /** Revision that ran last; 0 when none did. */
  readonly revision: number;
  readonly origin: InvocationOrigin;
  readonly triggerId?: string | undefined;
  /** Name of the agent that ran it last. */
  readonly agent?: string | undefined;
  readonly attempts: number;
  readonly createdAt: Date;
  readonly startedAt: Date;
  readonly endedAt: Date;
  /** Kept where a sink wants it, and where the invocation failed, for a replay. */
  readonly input?: Uint8Array | undefined;
  readonly result: Result;
};

export type KeptInvocations = {
  /**
   * On disk when it resolves; all of them or none. Gives each one's id, and whether it was there before.
   * Rejects with `store_unavailable`, `queue_full`, or `conflict` when an idempotency key came with another request.
   */
  enqueue(requests: readonly NewInvocation[]): Promise<readonly { readonly id: string; readonly known: boolean }[]>;
  /**
   * Keeps outcomes, and sends each on its way to the sinks of its function: on disk when it resolves. What is there
   * already is left as it is. Rejects with `store_unavailable`.
   */
  record(ended: readonly EndedInvocation[]): Promise<void>;
  /** Of a trigger, not ended yet. Rejects with `store_unavailable`. */
  countPending(triggerId: string): Promise<number>;
};
