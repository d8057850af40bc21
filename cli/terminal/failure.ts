/** The end of a command that fails: a message for a person, and an exit code for a program. */
import type { ErrorCode } from '@skerry/shared/errors.ts';

export const exitCodes = {
  ok: 0,
  /** The control plane refused, or something went wrong. */
  failed: 1,
  /** The command line, or a file that it names, is wrong. */
  usage: 2,
  /** The control plane cannot be reached. */
  unreachable: 3,
} as const;

type ExitKind = keyof typeof exitCodes;

/** The only error that commands throw on purpose. `code` and `status` are the server's, when it answered. */
export class CliFailure extends Error {
  readonly kind: ExitKind;
  readonly code: ErrorCode | undefined;
  readonly status: number | undefined;

  constructor(
    kind: ExitKind,
    message: string,
    options: { cause?: unknown; code?: ErrorCode | undefined; status?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CliFailure';
    this.kind = kind;
    this.code = options.code;
    this.status = options.status;
  }
}
