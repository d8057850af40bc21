/**
 * Errors as answers: `{"errors": {"detail": …, "code": …}}`. `detail` is FunLess's phrase where FunLess has one;
 * `message` then has the details. Messages about fields stand beside them under the field's name, as in FunLess, and
 * all of them under `fields`, where a field called `code` or `detail` is not hidden.
 */
import { type ErrorCode, type FieldErrors, SkerryError } from '@skerry/shared/errors.ts';

const phrases: Partial<Record<ErrorCode, string>> = {
  bad_request: 'Bad Request',
  unauthorized: 'Unauthorized',
  forbidden: 'Forbidden',
  not_found: 'Not Found',
  not_acceptable: 'Not Acceptable',
  conflict: 'Conflict',
  payload_too_large: 'Request Entity Too Large',
  no_agent: 'No worker available',
  internal: 'Internal Server Error',
};

export type Problem = {
  readonly errors: {
    readonly detail: string;
    readonly code: ErrorCode;
    readonly message?: string;
    readonly fields?: FieldErrors;
    readonly [field: string]: string | readonly string[] | FieldErrors | undefined;
  };
};

/**
 * A taken name of a module or subject is reported as in FunLess: 422 with the field, although its code is `conflict`.
 */
function problemStatus(error: SkerryError): number {
  return error.code === 'conflict' && error.fields ? 422 : error.status;
}

export function problemBody(error: SkerryError): Problem {
  const phrase = phrases[error.code];
  const detail = error.code === 'function_error' ? `Error: ${error.message}` : (phrase ?? error.message);
  // Internal details stay in the log; the caller gets the request's id.
  const message = phrase !== undefined && error.code !== 'internal' && error.message !== phrase;
  return {
    errors: {
      ...error.fields,
      detail,
      code: error.code,
      ...(message && { message: error.message }),
      ...(error.fields && { fields: error.fields }),
    },
  };
}

/** An answer in the form in which Hono and the invoke endpoints write it. */
export type PlainAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export function problemAnswer(error: SkerryError, requestId: string): PlainAnswer {
  const headers: Record<string, string> = { 'content-type': 'application/json', 'x-request-id': requestId };
  if (error.code === 'unauthorized') headers['www-authenticate'] = 'Bearer';
  // The rest of the body is not read, so the connection cannot serve another request.
  if (error.code === 'payload_too_large') headers.connection = 'close';
  return { status: problemStatus(error), headers, body: JSON.stringify(problemBody(error)) };
}

/** A 422 about one field. */
export function fieldError(field: string, message: string): SkerryError {
  return new SkerryError('validation_failed', `${field} ${message}`, { fields: { [field]: [message] } });
}
