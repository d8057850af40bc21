/**
 * HTTP as it crosses the tunnel: heads of requests and answers, and how bodies flow. Header values are text of
 * Latin-1 characters, one per byte, as Node's parser gives them (RFC 9110, section 5.5); repeated headers stay apart
 * and in order.
 *
 * A body flows in parts. Who sends one may have `streamWindowBytes` on the way that the other side has not yet taken;
 * each `credit` allows as many bytes more. So no body, however long, takes more memory than its windows.
 */
import * as z from 'zod';
import { maxHeaderCharacters, maxHeaderNameCharacters, maxHeaders } from './http-limits.ts';

const headerCharacters = (headers: readonly (readonly [string, string])[]) =>
  headers.reduce((sum, [name, value]) => sum + name.length + value.length, 0);

/** Names are lower-case or as they came; compare them without case. */
export const headersSchema: z.ZodType<Headers> = z
  .array(z.tuple([z.string().min(1).max(maxHeaderNameCharacters), z.string().max(maxHeaderCharacters)]))
  .max(maxHeaders)
  .refine((headers) => headerCharacters(headers) <= maxHeaderCharacters, 'must have at most 64 KiB of headers');
export type Headers = readonly (readonly [name: string, value: string])[];

export const requestHeadSchema = z.object({
  method: z.string().min(1).max(32),
  scheme: z.enum(['http', 'https']),
  /** Host and port as the caller named them. */
  authority: z.string().max(300),
  /** Path and query, beginning with `/`. */
  path: z.string().min(1).max(16_384),
  headers: headersSchema,
});
export type RequestHead = z.output<typeof requestHeadSchema>;

export const responseHeadSchema = z.object({ status: z.int().min(200).max(599), headers: headersSchema });
export type ResponseHead = z.output<typeof responseHeadSchema>;
