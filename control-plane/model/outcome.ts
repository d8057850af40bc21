import type { ErrorCode } from '@skerry/shared/errors.ts';
import type { InvocationOrigin } from './origin.ts';

/** An invocation that has ended, as far as documents tell of it. */
export type OutcomeRecord = {
  readonly id: string;
  readonly module: string;
  readonly name: string;
  readonly revision: number;
  readonly agent: string | null;
  readonly trigger: string | null;
  readonly origin: InvocationOrigin;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly attempts: number;
  readonly input: Uint8Array | null;
  readonly output: Uint8Array | null;
  /** Set when it failed; there is no result then. */
  readonly error: { readonly code: ErrorCode; readonly message: string } | undefined;
};
