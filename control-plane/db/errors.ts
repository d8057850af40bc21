/**
 * What a failure of the database means: a rule of ours that was broken, a bug, or a database that is away.
 *
 * Invariant: what leaves here has no parameter of a statement in it, neither in a message nor in a property: inputs and
 * outputs of functions are among them, and whoever meets the failure logs it.
 */
import { SkerryError } from '@skerry/shared/errors.ts';
import { DrizzleQueryError } from 'drizzle-orm';

/** SQLSTATE classes that say nothing about the statement: connection, resources, operator, system, and timeouts. */
const awayClasses = new Set(['08', '53', '57', '58']);
/** `character_not_in_repertoire`, `untranslatable_character`: what Postgres cannot store, such as NUL in a text. */
const textStates = new Set(['22021', '22P05']);
/**
 * `lock_not_available`: a lock was waited for until the deadline. `deadlock_detected`: of two that waited for each other,
 * this one was ended. Both may well do the next time.
 */
const awayStates = new Set(['55P03', '40P01']);

/**
 * The given failure as the caller shall see it: `store_unavailable` when the database is away, `validation_failed` when
 * it was given a text that it cannot hold. Else itself; a failed statement of Drizzle's without its text and parameters,
 * with its SQLSTATE as `code`.
 * Whether it is away is told by what is missing: an error that the server reported carries a SQLSTATE.
 *
 * @param during while connecting, whatever goes wrong means that there is no database; a statement that was not
 *   Drizzle's fails with the driver's own error
 */
export function storeError(error: unknown, during: 'connecting' | 'query' | 'statement'): unknown {
  const cause = error instanceof DrizzleQueryError ? error.cause : error;
  forgetStatement(cause);
  const state = sqlState(cause);
  if (state !== undefined && textStates.has(state)) {
    return new SkerryError('validation_failed', 'a text has characters that cannot be stored, such as NUL', { cause });
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

/** PGlite hangs the statement and its parameters on its errors. */
function forgetStatement(error: unknown): void {
  if (error instanceof Error)
    for (const name of ['query', 'params', 'queryOptions']) Reflect.deleteProperty(error, name);
}

function sqlState(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && 'severity' in (error as object) ? code : undefined;
}
