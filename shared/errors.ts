/**
 * The closed list of error codes, the one class that carries them, and the meaning of each code for a caller.
 *
 * Invariants:
 * - `retryable` is true only where the function certainly did not start. Repeating the call on any agent then cannot
 *   run the function twice.
 * - A code has one HTTP status. FunLess makes one exception: a `conflict` that names a field of the request is 422
 *   (control-plane/api/http/problem.ts).
 */

type ErrorKind = { readonly status: number; readonly retryable: boolean };

export const errorKinds = {
  // The request is at fault.
  bad_request: { status: 400, retryable: false },
  unauthorized: { status: 401, retryable: false },
  forbidden: { status: 403, retryable: false },
  not_found: { status: 404, retryable: false },
  not_acceptable: { status: 406, retryable: false },
  conflict: { status: 409, retryable: false },
  payload_too_large: { status: 413, retryable: false },
  validation_failed: { status: 422, retryable: false },
  component_rejected: { status: 422, retryable: false },

  // The function ran and gave no valid answer.
  function_error: { status: 422, retryable: false },
  function_trap: { status: 500, retryable: false },
  function_out_of_memory: { status: 500, retryable: false },
  function_output_too_large: { status: 500, retryable: false },
  function_output_invalid: { status: 500, retryable: false },
  function_http_error: { status: 502, retryable: false },
  function_no_answer: { status: 504, retryable: false },
  function_timeout: { status: 504, retryable: false },
  function_load_failed: { status: 500, retryable: false },
  event_invalid: { status: 422, retryable: false },

  // The platform could not complete the call.
  no_agent: { status: 503, retryable: true },
  no_capacity: { status: 503, retryable: true },
  function_held_back: { status: 503, retryable: true },
  agent_busy: { status: 503, retryable: true },
  agent_draining: { status: 503, retryable: true },
  agent_unreachable: { status: 503, retryable: true },
  code_unavailable: { status: 503, retryable: true },
  agent_lost: { status: 502, retryable: false },
  runner_lost: { status: 502, retryable: false },
  cancelled: { status: 499, retryable: false },
  store_unavailable: { status: 503, retryable: true },
  queue_full: { status: 503, retryable: true },
  prepare_busy: { status: 503, retryable: true },
  internal: { status: 500, retryable: false },
} as const satisfies Record<string, ErrorKind>;

/** A code from the closed list: the part of an error that programs may branch on. */
export type ErrorCode = keyof typeof errorKinds;

/** All codes, for schemas. */
export const errorCodes = Object.keys(errorKinds) as [ErrorCode, ...ErrorCode[]];

/**
 * Codes that an agent may give for an invocation, or for a function that it could not apply. The control plane alone
 * gives the other codes.
 */
export const outcomeCodes = [
  'payload_too_large',
  'function_error',
  'function_trap',
  'function_out_of_memory',
  'function_output_too_large',
  'function_output_invalid',
  'function_http_error',
  'function_no_answer',
  'function_timeout',
  'function_load_failed',
  'event_invalid',
  'function_held_back',
  'agent_busy',
  'agent_draining',
  'code_unavailable',
  'runner_lost',
  'cancelled',
  'internal',
] as const satisfies readonly ErrorCode[];

export type OutcomeCode = (typeof outcomeCodes)[number];

/** @returns the code if an agent may give it, else `internal` */
export function toOutcomeCode(code: ErrorCode): OutcomeCode {
  return outcomeCodes.find((known) => known === code) ?? 'internal';
}

/** Messages per field of a rejected request, as FunLess's clients read them: `{"name": ["can't be blank"]}`. */
export type FieldErrors = Readonly<Record<string, readonly string[]>>;

/** The only error class that crosses a boundary of Skerry. People read `message`, programs read `code`. */
export class SkerryError extends Error {
  readonly code: ErrorCode;
  readonly fields: FieldErrors | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; fields?: FieldErrors } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SkerryError';
    this.code = code;
    this.fields = options.fields;
  }

  /** HTTP status of this error's code. */
  get status(): number {
    return errorKinds[this.code].status;
  }

  /** True when the function has not started, so that the caller may repeat the call elsewhere. */
  get retryable(): boolean {
    return errorKinds[this.code].retryable;
  }
}

/** Wraps any value that is not a `SkerryError` in one with the code `internal` and the value as its cause. */
export function toSkerryError(error: unknown): SkerryError {
  if (error instanceof SkerryError) return error;
  return new SkerryError('internal', error instanceof Error ? error.message : String(error), { cause: error });
}
