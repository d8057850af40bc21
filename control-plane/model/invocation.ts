/**
 * Stored invocations, as the parts see them that create them, run them and deliver their outcomes. Types only;
 * queue/queue.ts stores them.
 */
import type { RequestHead } from '@skerry/shared/http/http.ts';
import type { Result } from '@skerry/shared/result.ts';
import type { CatalogFunction } from './catalog-function.ts';
import type { InvocationOrigin } from './origin.ts';

/** An invocation to be run when an agent can run it. */
export type NewInvocation = {
  /** Made where the event is first recorded; the same id again is the same invocation. Absent: a new one. */
  readonly id?: string;
  readonly function: CatalogFunction;
  readonly input: Uint8Array;
  readonly origin: InvocationOrigin;
  /** When the event arrived, or the request. */
  readonly createdAt: Date;
  readonly triggerId?: string | undefined;
  /** Invocations of its trigger that may run at once, over all control planes. */
  readonly concurrency?: number | undefined;
  readonly createdBy?: string | undefined;
  readonly onlyAgent?: string | undefined;
  readonly traceparent?: string | undefined;
  /** The request, for wasi:http functions that get the request itself. */
  readonly http?: RequestHead | undefined;
  /** The callback URL. */
  readonly callbackUrl?: string | undefined;
  readonly idempotency?: { readonly key: string; readonly digest: string } | undefined;
};

/** How an invocation ended, here or on a device. */
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
  /** Present where a sink needs it, and after a failure, for a replay. */
  readonly input?: Uint8Array | undefined;
  readonly result: Result;
};

export type KeptInvocations = {
  /**
   * Stores all of the invocations, or none; they are on disk when it resolves. Returns each one's id, and whether it
   * existed before. Rejects with `store_unavailable`, `queue_full`, or `conflict` when an idempotency key came earlier
   * with another request.
   */
  enqueue(requests: readonly NewInvocation[]): Promise<readonly { readonly id: string; readonly known: boolean }[]>;
  /**
   * Stores outcomes with their deliveries to the sinks of their functions; they are on disk when it resolves. Existing
   * outcomes stay as they are. Rejects with `store_unavailable`.
   */
  record(ended: readonly EndedInvocation[]): Promise<void>;
  /** Unfinished invocations of a trigger. Rejects with `store_unavailable`. */
  countPending(triggerId: string): Promise<number>;
};
