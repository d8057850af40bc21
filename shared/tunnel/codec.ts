/**
 * Encodes and decodes frames. One WebSocket message carries one or more msgpack values, one per frame: a sender with
 * several frames needs only one system call.
 *
 * Both directions are validated, so that a bad frame fails at its author. Bytes fields of decoded frames are views of
 * the message.
 */
import { pack } from 'msgpackr/pack';
import { unpackMultiple } from 'msgpackr/unpack';
import type * as z from 'zod';
import type { CloseName } from './close.ts';
import { checkHotToAgent, checkHotToControl } from './fast-decode.ts';
import { maxFrameBytes, toAgentSchema, toControlSchema } from './protocol.ts';

/** A message that breaks the protocol. `close` names the close code for the connection. */
export class CodecError extends Error {
  readonly close: CloseName;

  constructor(close: CloseName, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'CodecError';
    this.close = close;
  }
}

type Codec<Out, In> = {
  /** @throws CodecError when the frame does not fit its schema or is over the limit */
  encode(frame: Out): Uint8Array;
  /** @returns the frames of one message, without frames of unknown kind. @throws CodecError */
  decode(message: Uint8Array): In[];
};

/** One direction: its schema, and the hand-written check of its most frequent frames (fast-decode.ts). */
type Direction<Frame extends object> = {
  readonly schema: z.ZodDiscriminatedUnion & z.ZodType<Frame>;
  readonly checkHot: (frame: object) => Frame | undefined;
};

function createCodec<Out extends object, In extends object>(
  outgoing: Direction<Out>,
  incoming: Direction<In>,
): Codec<Out, In> {
  const knownKinds = new Set(incoming.schema.options.flatMap((option) => readKinds(option)));
  const checkOutgoing = (frame: Out) => {
    const checked = outgoing.schema.safeParse(frame);
    if (!checked.success) throw new CodecError('bad_frame', `outgoing frame: ${describeFirstIssue(checked.error)}`);
    return checked.data;
  };
  return {
    encode(frame) {
      const message = pack(outgoing.checkHot(frame) ?? checkOutgoing(frame));
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
        if (!knownKinds.has(kind)) continue;
        const hot = incoming.checkHot(value as object);
        if (hot) {
          frames.push(hot);
          continue;
        }
        const checked = incoming.schema.safeParse(value);
        if (!checked.success) {
          throw new CodecError('bad_frame', `frame "${kind}": ${describeFirstIssue(checked.error)}`);
        }
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

function readKinds(option: z.core.$ZodType): string[] {
  const shape = (option as z.ZodObject).shape;
  return [...(shape.kind as z.ZodLiteral<string>).values];
}

function describeFirstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue ? `${issue.path.join('.') || 'value'}: ${issue.message}` : 'invalid';
}

const toAgent = { schema: toAgentSchema, checkHot: checkHotToAgent };
const toControl = { schema: toControlSchema, checkHot: checkHotToControl };

/** The control plane's end of the tunnel. */
export const controlCodec = createCodec(toAgent, toControl);
/** The agent's end of the tunnel. */
export const agentCodec = createCodec(toControl, toAgent);
