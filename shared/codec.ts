/**
 * Frames to bytes and back. One WebSocket message carries one or more msgpack values, one per frame: whoever has
 * several frames to send at once saves a system call for each.
 *
 * Both ways are validated: a bad frame fails at its author. Bytes fields of decoded frames are views of the message.
 */
import { pack } from 'msgpackr/pack';
import { unpackMultiple } from 'msgpackr/unpack';
import type * as z from 'zod';
import type { CloseName } from './close.ts';
import { maxFrameBytes, toAgentSchema, toControlSchema } from './protocol.ts';

/** A message that breaks the protocol; `close` names the code to close the connection with. */
export class CodecError extends Error {
  readonly close: CloseName;

  constructor(close: CloseName, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'CodecError';
    this.close = close;
  }
}

export type Codec<Out, In> = {
  /** @throws CodecError when the frame does not fit its schema or is over the limit */
  encode(frame: Out): Uint8Array;
  /** Frames of one message; those of unknown kind are left out. @throws CodecError */
  decode(message: Uint8Array): In[];
};

function codec<Out extends z.ZodDiscriminatedUnion, In extends z.ZodDiscriminatedUnion>(
  outgoing: Out,
  incoming: In,
): Codec<z.output<Out>, z.output<In>> {
  const known = new Set(incoming.options.flatMap((option) => kindsOf(option)));
  return {
    encode(frame) {
      const checked = outgoing.safeParse(frame);
      if (!checked.success) throw new CodecError('bad_frame', `outgoing frame: ${firstIssue(checked.error)}`);
      const message = pack(checked.data);
      if (message.byteLength > maxFrameBytes) {
        throw new CodecError('frame_too_large', `outgoing frame of ${message.byteLength} bytes`);
      }
      return message;
    },
    decode(message) {
      if (message.byteLength > maxFrameBytes) {
        throw new CodecError('frame_too_large', `message of ${message.byteLength} bytes`);
      }
      const frames: z.output<In>[] = [];
      for (const value of unpackAll(message)) {
        const kind = (value as { kind?: unknown } | null)?.kind;
        if (typeof kind !== 'string') throw new CodecError('bad_frame', 'a frame without a kind');
        if (!known.has(kind)) continue;
        const checked = incoming.safeParse(value);
        if (!checked.success) throw new CodecError('bad_frame', `frame "${kind}": ${firstIssue(checked.error)}`);
        frames.push(checked.data);
      }
      return frames;
    },
  };
}

function unpackAll(message: Uint8Array): unknown[] {
  try {
    const values = unpackMultiple(message);
    return Array.isArray(values) ? values : [];
  } catch (cause) {
    throw new CodecError('bad_frame', 'a message that is not msgpack', cause);
  }
}

function kindsOf(option: z.core.$ZodType): string[] {
  const shape = (option as z.ZodObject).shape;
  return [...(shape.kind as z.ZodLiteral<string>).values];
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue ? `${issue.path.join('.') || 'value'}: ${issue.message}` : 'invalid';
}

/** The control plane's end. */
export const controlCodec = codec(toAgentSchema, toControlSchema);
/** The agent's end. */
export const agentCodec = codec(toControlSchema, toAgentSchema);
