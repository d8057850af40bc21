/** How a call ended: with the bytes of its output, or with a code and a message that say why there is no output. */
import * as z from 'zod';
import { type ErrorCode, outcomeCodes } from './errors.ts';

/** @typeParam Code narrows the codes, for example to the codes that an agent may give (`OutcomeCode`) */
export type Result<Code extends ErrorCode = ErrorCode> =
  | { readonly ok: true; readonly output: Uint8Array }
  | { readonly ok: false; readonly code: Code; readonly message: string };

/** Bytes in a frame of the tunnel. msgpack carries them without an encoding. */
export const bytesSchema = z
  .custom<Uint8Array>((value) => value instanceof Uint8Array, 'must be bytes')
  .meta({ wire: 'bytes' });

/** At most 4,096 characters, for messages. */
export const shortTextSchema = z.string().max(4096);

/** A result in a frame of the tunnel. */
export const resultSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), output: bytesSchema }),
  z.object({ ok: z.literal(false), code: z.enum(outcomeCodes), message: shortTextSchema }),
]);
