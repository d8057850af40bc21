import type { ErrorCode } from '@skerry/shared/errors.ts';
import type { InvocationOrigin } from './origin.ts';

/** An ended invocation, with the fields that documents contain. */
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
  /** Set after a failure, when there is no result. */
  readonly error: { readonly code: ErrorCode; readonly message: string } | undefined;
};
