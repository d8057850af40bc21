/** Turns any thrown value into an answer. Internal errors are logged with the request's id. */
import { SkerryError, toSkerryError } from '@skerry/shared/errors.ts';
import { HTTPException } from 'hono/http-exception';
import type { Logger } from '../../log/log.ts';
import { type PlainAnswer, problemAnswer } from './problem.ts';

export type ErrorAnswer = (error: unknown, requestId: string) => PlainAnswer;

export function createErrorAnswer(log: Logger): ErrorAnswer {
  return (error, requestId) => {
    const known = fromHono(error) ?? toSkerryError(error);
    if (known.code === 'internal') log.error({ err: error, requestId }, 'request failed');
    else if (known.code === 'store_unavailable') log.warn({ err: known.cause, requestId }, 'the database is away');
    return problemAnswer(known, requestId);
  };
}

/** Hono throws its own errors for bodies that are not JSON. */
function fromHono(error: unknown): SkerryError | undefined {
  if (!(error instanceof HTTPException)) return undefined;
  return error.status < 500 ? new SkerryError('bad_request', error.message, { cause: error }) : undefined;
}
