/**
 * What the runner's process says of one call, told to whoever made the call. Heads and trailers were chosen by the
 * guest: what does not fit a frame of the tunnel ends the call, not the tunnel.
 */
import { headersSchema, responseHeadSchema } from '@skerry/shared/http.ts';
import type { CallEvents, CallResult } from './call.ts';
import { decodeHead, decodeLog, decodePart, readCredit } from './stream-wire.ts';
import { kinds, type ResultFrame } from './wire.ts';

/** @returns why the call cannot go on, if so */
export function deliver(content: Buffer, events: CallEvents): string | undefined {
  switch (content[0]) {
    case kinds.head: {
      const head = responseHeadSchema.safeParse(decodeHead(content));
      if (!head.success) return `the head of its answer: ${head.error.issues[0]?.message}`;
      events.onHead?.(head.data);
      return undefined;
    }
    case kinds.part: {
      const part = decodePart(content);
      const fault = part.trailers && faultOfTrailers(part.trailers);
      if (fault === undefined) events.onPart?.(part);
      return fault;
    }
    case kinds.credit:
      events.onCredit?.(readCredit(content));
      return undefined;
    case kinds.log:
      events.onLog?.(decodeLog(content));
      return undefined;
    default:
      throw new RangeError(`a frame of unknown kind ${content[0]} from the runner`);
  }
}

/** A result with an answer that came whole; without the answer when that does not fit. */
export function checkedAnswer({
  result,
  head,
  trailers,
}: ResultFrame): Pick<CallResult, 'result' | 'head' | 'trailers'> {
  if (!head && !trailers) return { result };
  const checked = responseHeadSchema.safeParse(head);
  const fault = checked.success ? trailers && faultOfTrailers(trailers) : checked.error.issues[0]?.message;
  if (fault === undefined) return { result, head, trailers };
  return { result: { ok: false, code: 'function_output_invalid', message: `its answer: ${fault}` } };
}

function faultOfTrailers(trailers: unknown): string | undefined {
  const checked = headersSchema.safeParse(trailers);
  return checked.success ? undefined : `the trailers of its answer: ${checked.error.issues[0]?.message}`;
}
