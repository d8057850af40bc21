/**
 * The form of the database's keys. A text of another form cannot be a key, and Postgres need not be asked: it would
 * fail, for example on a NUL.
 */
import { namePattern } from '@skerry/shared/function/names.ts';

const form = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function isUuid(text: string): boolean {
  return form.test(text);
}

export function isName(text: string): boolean {
  return namePattern.test(text);
}
