/** Form of every name that a user gives: modules, functions, subjects, agents, labels. */
import * as z from 'zod';

/** Letters, digits, `_` and inner `-`, 1 to 63 characters: fits a DNS label, and holds every FunLess name up to 63. */
export const namePattern = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;

export const nameSchema = z
  .string()
  .regex(namePattern, 'must be 1 to 63 letters, digits, "_" or inner "-"')
  .describe('Letters, digits, `_` and inner `-`, 1 to 63 characters');

/** Text that databases and C programs can hold: no NUL, no half of a surrogate pair. */
export const textSchema = (maxLength: number): z.ZodString =>
  z
    .string({ error: ({ input }) => (input === undefined ? 'must be given' : undefined) })
    .max(maxLength)
    .refine((text) => text.isWellFormed() && !text.includes('\0'), 'must be well-formed text without NUL');

/** The module that every installation has and none can delete or rename. */
export const defaultModule = '_';

/** At most 32 labels; a value has up to 128 characters, so that labels fit in every frame and metric. */
export const labelsSchema = z
  .record(nameSchema, textSchema(128))
  .refine((labels) => Object.keys(labels).length <= 32, 'must have at most 32 labels');

export type Labels = Readonly<Record<string, string>>;

/** True when every label of the selector is there with the same value; an empty selector fits every agent. */
export function labelsMatch(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}
