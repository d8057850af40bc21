/** Syntax of all names that users choose: of modules, functions, subjects, agents and labels. */
import * as z from 'zod';
import { defaultModule, namePattern } from './name-form.ts';

export { defaultModule, namePattern };

export const nameSchema = z
  .string()
  .regex(namePattern, 'must be 1 to 63 letters, digits, "_" or inner "-"')
  .describe('Letters, digits, `_` and inner `-`, 1 to 63 characters');

/** Text that databases and C programs can store: without NUL and without half of a surrogate pair. */
export const textSchema = (maxLength: number): z.ZodString =>
  z
    .string({ error: ({ input }) => (input === undefined ? 'must be given' : undefined) })
    .max(maxLength)
    .refine((text) => text.isWellFormed() && !text.includes('\0'), 'must be well-formed text without NUL');

/** At most 32 labels; a value has up to 128 characters, so that labels fit in every frame and metric. */
export const labelsSchema = z
  .record(nameSchema, textSchema(128))
  .refine((labels) => Object.keys(labels).length <= 32, 'must have at most 32 labels');

export type Labels = Readonly<Record<string, string>>;

/**
 * True when the labels contain every label of the selector with the same value. An empty selector matches all agents.
 */
export function labelsMatch(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}
