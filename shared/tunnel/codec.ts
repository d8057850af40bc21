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
import { hotToAgent, hotToControl } from './fast-decode.ts';
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

/** One direction: its schema, and the check by hand of its most frequent frames (fast-decode.ts). */
type Direction<Frame extends object> = {
  readonly schema: z.ZodDiscriminatedUnion & z.ZodType<Frame>;
  readonly hot: (frame: object) => Frame | undefined;
};

function codec<Out extends object, In extends object>(
  outgoing: Direction<Out>,
  incoming: Direction<In>,
): Codec<Out, In> {
  const known = new Set(incoming.schema.options.flatMap((option) => kindsOf(option)));
  const checkOutgoing = (frame: Out) => {
    const checked = outgoing.schema.safeParse(frame);
    if (!checked.success) throw new CodecError('bad_frame', `outgoing frame: ${firstIssue(checked.error)}`);
    return checked.data;
  };
  return {
    encode(frame) {
      const message = pack(outgoing.hot(frame) ?? checkOutgoing(frame));
      if (message.byteLength > maxFrameBytes) {
        throw new CodecError('frame_too_large', `outgoing frame of ${message.byteLength} bytes`);
      }
      return message;
    },
    decode(message) {
      if (message.byteLength > maxFrameBytes) {
        throw new CodecError('frame_too_large', `message of ${message.byteLength} bytes`);
      }
      const frames: In[] = [];
      for (const value of unpackAll(message)) {
        const kind = (value as { kind?: unknown } | null)?.kind;
        if (typeof kind !== 'string') throw new CodecError('bad_frame', 'a frame without a kind');
        if (!known.has(kind)) continue;
        const hot = incoming.hot(value as object);
        if (hot) {
          frames.push(hot);
          continue;
        }
        const checked = incoming.schema.safeParse(value);
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

const toAgent = { schema: toAgentSchema, hot: hotToAgent };
const toControl = { schema: toControlSchema, hot: hotToControl };

/** The control plane's end. */
export const controlCodec = codec(toAgent, toControl);
/** The agent's end. */
export const agentCodec = codec(toControl, toAgent);
