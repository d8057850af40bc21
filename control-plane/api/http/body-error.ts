/** Turns the faults that a schema found in a request into an answer. */
import { SkerryError } from '@skerry/shared/errors.ts';
import type { z } from 'zod';

/** A value that is missing or of the wrong type is `bad_request`; an invalid value is `validation_failed`. */
export function bodyError(error: z.ZodError): SkerryError {
  const malformed = error.issues.find((issue) => issue.code === 'invalid_type');
  if (malformed) {
    return new SkerryError('bad_request', `${malformed.path.join('.') || 'body'}: ${malformed.message}`);
  }
  const fields: Record<string, string[]> = {};
  const add = (field: string, message: string) => {
    fields[field] = [...(fields[field] ?? []), message];
  };
  for (const issue of error.issues) {
    if (issue.code === 'unrecognized_keys') for (const key of issue.keys) add(key, 'is not a field of this request');
    else add(String(issue.path.at(-1) ?? 'body'), issue.message);
  }
  const message = Object.entries(fields).map(([field, messages]) => `${field} ${messages.join(', ')}`);
  return new SkerryError('validation_failed', message.join('; '), { fields });
}
