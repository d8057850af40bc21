/**
 * HTTP in the tunnel: the heads of requests and answers, and the flow of bodies. Header values are Latin-1 text with
 * one character per byte, as Node's parser gives them (RFC 9110, section 5.5). Repeated headers stay separate and in
 * order.
 *
 * A body flows in parts. Its sender may have `streamWindowBytes` in flight that the other side has not taken. Each
 * `credit` allows a number of further bytes. So a body of any length takes no more memory than its windows.
 */
import * as z from 'zod';
import { maxHeaderCharacters, maxHeaderNameCharacters, maxHeaders } from './http-limits.ts';

const countHeaderCharacters = (headers: readonly (readonly [string, string])[]) =>
  headers.reduce((sum, [name, value]) => sum + name.length + value.length, 0);

/** Names may be in lower case or in any other case. Compare them without case. */
export const headersSchema: z.ZodType<Headers> = z
  .array(z.tuple([z.string().min(1).max(maxHeaderNameCharacters), z.string().max(maxHeaderCharacters)]))
  .max(maxHeaders)
  .refine((headers) => countHeaderCharacters(headers) <= maxHeaderCharacters, 'must have at most 64 KiB of headers');
export type Headers = readonly (readonly [name: string, value: string])[];

export const requestHeadSchema = z.object({
  method: z.string().min(1).max(32),
  scheme: z.enum(['http', 'https']),
  /** Host and port in the caller's form. */
  authority: z.string().max(300),
  /** Path and query. Begins with `/`. */
  path: z.string().min(1).max(16_384),
  headers: headersSchema,
});
export type RequestHead = z.output<typeof requestHeadSchema>;

export const responseHeadSchema = z.object({ status: z.int().min(200).max(599), headers: headersSchema });
export type ResponseHead = z.output<typeof responseHeadSchema>;
