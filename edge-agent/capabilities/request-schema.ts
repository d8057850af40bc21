/**
 * Schemas of capability requests. The runner's process runs code of strangers, and code that breaks out of a wasm
 * sandbox can send any request. So a request is validated before anything is done about it, and names once more where
 * they are used.
 */
import { requestHeadSchema } from '@skerry/shared/http/http.ts';
import * as z from 'zod';
import type { CapabilityRequest } from '../runner/protocol/capability-requests.ts';

/** Depth of a path in a granted directory, and bytes of one read; the host has the same limits. */
const maxDepth = 192;
const maxReadBytes = 1024 * 1024;

const name = z
  .string()
  .min(1)
  .max(255)
  .refine((text) => text !== '.' && text !== '..' && !/[/\0]/.test(text) && text.isWellFormed(), 'must be a name');
const names = z.array(name).max(maxDepth);
const size = z.int().min(0);
const nanoseconds = z.string().regex(/^[0-9]{1,20}$/);

const directory = z.object({ do: z.literal('directory'), grant: size, path: names });
const directoryAsk = z.discriminatedUnion('op', [
  directory.extend({ op: z.enum(['stat', 'list', 'make', 'remove-directory', 'remove-file', 'sync']) }),
  directory.extend({ op: z.literal('read'), offset: size, length: size.max(maxReadBytes) }),
  directory.extend({ op: z.literal('write'), offset: size.nullable() }),
  directory.extend({ op: z.literal('truncate'), size }),
  directory.extend({ op: z.literal('open'), create: z.boolean(), exclusive: z.boolean(), truncate: z.boolean() }),
  directory.extend({ op: z.literal('rename'), to: names }),
  directory.extend({ op: z.literal('times'), accessed: nanoseconds.nullable(), modified: nanoseconds.nullable() }),
]);

/** The store counts lengths in bytes; these limits only keep nonsense out. */
const text = z.string().max(4_096);
const keyvalue = z.object({ do: z.literal('keyvalue'), bucket: text });
const keyvalueAsk = z.discriminatedUnion('op', [
  keyvalue.extend({ op: z.enum(['get', 'delete', 'exists', 'set']), key: text }),
  keyvalue.extend({ op: z.literal('keys'), after: text.nullable() }),
  keyvalue.extend({ op: z.literal('increment'), key: text, delta: z.string().regex(/^-?[0-9]{1,20}$/) }),
  keyvalue.extend({ op: z.literal('swap'), key: text, seen: z.string().max(64).nullable() }),
]);

const timeoutMs = z.number().min(0);
const fetchAsk = z.object({
  do: z.literal('fetch'),
  head: requestHeadSchema,
  connectTimeoutMs: timeoutMs,
  firstByteTimeoutMs: timeoutMs,
  betweenBytesTimeoutMs: timeoutMs,
});

const askSchema = z.discriminatedUnion('do', [directoryAsk, keyvalueAsk, fetchAsk]);

/** The request, or undefined when it is invalid. */
export function parseCapabilityRequest(ask: unknown): CapabilityRequest | undefined {
  return askSchema.safeParse(ask).data as CapabilityRequest | undefined;
}
