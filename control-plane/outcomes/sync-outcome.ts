/** The outcome of a synchronous call for the sinks of its function; nothing for functions without sinks. */
import { randomUUIDv7 } from 'node:crypto';
import { errorKinds, toSkerryError } from '@skerry/shared/errors.ts';
import { findAgentOf, type InvocationOutcome } from '../invoke/invoker.ts';
import type { CatalogFunction } from '../model/catalog-function.ts';
import type { EndedInvocation } from '../model/invocation.ts';
import { wantsInput, wantsOutcome } from '../model/sink-interest.ts';

/** A call whose outcome a sink selects. */
export type SinkableCall = {
  /** The invocation's id: made here, since a failed call returns none. */
  readonly id: string;
  succeeded(input: Uint8Array | undefined, result: Pick<InvocationOutcome, 'agent' | 'revision' | 'output'>): void;
  /** A call that did not run, or that its caller broke off, has no outcome. */
  failed(input: Uint8Array | undefined, error: unknown): void;
};

/** Undefined when no sink selects the outcome. */
export function wantedCall(
  fn: CatalogFunction,
  record: (ended: EndedInvocation) => void,
  now: () => Date,
): SinkableCall | undefined {
  if (fn.sinks.length === 0) return undefined;
  const id = randomUUIDv7();
  const startedAt = now();
  const facts = { id, functionId: fn.id, module: fn.module, name: fn.name, origin: 'api', attempts: 1 } as const;
  const times = () => ({ createdAt: startedAt, startedAt, endedAt: now() });
  return {
    id,
    succeeded(input, { agent, revision, output }) {
      if (!wantsOutcome(fn, true)) return;
      const kept = wantsInput(fn) ? input : undefined;
      record({ ...facts, ...times(), agent, revision, input: kept, result: { ok: true, output } });
    },
    failed(input, thrown) {
      const { code, message } = toSkerryError(thrown);
      if (errorKinds[code].retryable || code === 'cancelled' || !wantsOutcome(fn, false)) return;
      const result = { ok: false, code, message } as const;
      record({ ...facts, ...times(), agent: findAgentOf(thrown), revision: fn.revision, input, result });
    },
  };
}
