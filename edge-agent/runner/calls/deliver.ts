/**
 * Delivers the frames of the runner's process about one call to its caller. The guest chose heads and trailers, and the
 * process runs code of strangers: content that does not fit a frame of the tunnel ends the call, not the tunnel.
 */
import { headersSchema, responseHeadSchema } from '@skerry/shared/http/http.ts';
import { maxPartBytes } from '@skerry/shared/http/http-limits.ts';
import {
  decodeHead,
  decodeLog,
  decodePart,
  type LogEntry,
  type PipePart,
  readCredit,
} from '../protocol/stream-wire.ts';
import { kinds, type ResultFrame } from '../protocol/wire.ts';
import type { CallEvents, CallOutcome } from './call.ts';

/** Characters of a message or a line that a frame of the tunnel takes. */
const textLength = 4_096;
const logSources: ReadonlySet<unknown> = new Set<LogEntry['source']>([
  'stdout',
  'stderr',
  'trace',
  'debug',
  'info',
  'warn',
  'error',
  'critical',
]);

/**
 * @returns why the call cannot go on, if so
 * @throws RangeError or SyntaxError for frames that our runner never sends: the process is no longer trusted
 */
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
      const fault = faultOfPart(part);
      if (fault === undefined) events.onPart?.(part);
      return fault;
    }
    case kinds.credit: {
      const bytes = readCredit(content);
      if (bytes === 0) return 'a credit of no bytes';
      events.onCredit?.(bytes);
      return undefined;
    }
    case kinds.log:
      events.onLog?.(checkedEntry(decodeLog(content)));
      return undefined;
    default:
      throw new RangeError(`a frame of unknown kind ${content[0]} from the runner`);
  }
}

/**
 * A result with a complete answer; without the answer when that does not fit, and with its message cut when too long.
 */
export function checkedAnswer({
  result: given,
  head,
  trailers,
}: ResultFrame): Pick<CallOutcome, 'result' | 'head' | 'trailers'> {
  const result = given.ok ? given : { ...given, message: given.message.slice(0, textLength) };
  if (!head && !trailers) return { result };
  const checked = responseHeadSchema.safeParse(head);
  const fault = checked.success ? trailers && faultOfTrailers(trailers) : checked.error.issues[0]?.message;
  if (fault === undefined) return { result, head, trailers };
  return { result: { ok: false, code: 'function_output_invalid', message: `its answer: ${fault}` } };
}

function checkedEntry(entry: LogEntry | null): LogEntry {
  if (!logSources.has(entry?.source) || typeof entry?.text !== 'string') {
    throw new RangeError('an invalid line of log');
  }
  return { source: entry.source, text: entry.text.slice(0, textLength) };
}

function faultOfPart({ bytes, trailers }: PipePart): string | undefined {
  if (bytes.byteLength > maxPartBytes) return `a part of ${bytes.byteLength} bytes of its answer`;
  return trailers && faultOfTrailers(trailers);
}

function faultOfTrailers(trailers: unknown): string | undefined {
  const checked = headersSchema.safeParse(trailers);
  return checked.success ? undefined : `the trailers of its answer: ${checked.error.issues[0]?.message}`;
}
