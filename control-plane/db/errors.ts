/**
 * Classifies failures of the database: a violated constraint, a bug, or a database that is away.
 *
 * Invariant: no error that leaves here contains a parameter of a statement, neither in a message nor in a property.
 * Inputs and outputs of functions are among the parameters, and errors are logged.
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import { DrizzleQueryError } from 'drizzle-orm';

/** SQLSTATE classes that say nothing about the statement: connection, resources, operator, system, and timeouts. */
const awayClasses = new Set(['08', '53', '57', '58']);
/** `character_not_in_repertoire`, `untranslatable_character`: text that Postgres cannot store, such as NUL. */
const textStates = new Set(['22021', '22P05']);
/**
 * `lock_not_available`: a lock was waited for until the deadline. `deadlock_detected`: of two transactions that waited
 * for each other, this one was ended. Both may succeed the next time.
 */
const awayStates = new Set(['55P03', '40P01']);

/**
 * The error for the caller: `store_unavailable` when the database is away, `validation_failed` for text that it cannot
 * store. Otherwise the error itself; a failed statement of Drizzle without its text and parameters, with its SQLSTATE
 * as `code`. An error from the server carries a SQLSTATE; an error without one means that the database is away.
 *
 * @param during while connecting, any error means that there is no database; a statement that was not Drizzle's fails
 *   with the driver's own error
 */
export function storeError(error: unknown, during: 'connecting' | 'query' | 'statement'): unknown {
  const cause = error instanceof DrizzleQueryError ? error.cause : error;
  forgetStatement(cause);
  const state = sqlState(cause);
  if (state !== undefined && textStates.has(state)) {
    return new SkerryError('validation_failed', 'the text has characters that cannot be stored, such as NUL', {
      cause,
    });
  }
  const away =
    during === 'connecting' ||
    (state === undefined
      ? during === 'statement' || error instanceof DrizzleQueryError
      : awayClasses.has(state.slice(0, 2)) || awayStates.has(state));
  if (away) return new SkerryError('store_unavailable', 'The database cannot be reached', { cause });
  if (!(error instanceof DrizzleQueryError)) return error;
  return Object.assign(new Error(`a statement failed: ${error.cause?.message}`, { cause }), { code: state });
}

/** True when the failure of a statement is the violation of this unique index or constraint. */
export function violates(error: unknown, constraint: string): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return sqlState(cause) === '23505' && (cause as { constraint?: unknown }).constraint === constraint;
}

/** PGlite puts the statement and its parameters on its errors. */
function forgetStatement(error: unknown): void {
  if (error instanceof Error)
    for (const name of ['query', 'params', 'queryOptions']) Reflect.deleteProperty(error, name);
}

function sqlState(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && 'severity' in (error as object) ? code : undefined;
}
