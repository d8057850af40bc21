/**
 * Joins capability requests of the runner's process with the capability host. The process is not trusted: a request
 * counts only for one of its calls, with the grants of that call's function. A fault that a guest can cause is refused
 * with an error. A fault that only a compromised process can cause is thrown, and ends the process
 * (runner/process/process.ts).
 *
 * Invariant: when a call ends, or the process does, none of its requests goes on.
 */
import { type Headers, headersSchema, type ResponseHead } from '@skerry/shared/http/http.ts';
import type { CapabilityReply, CapabilityRequest, FetchRequest } from '../protocol/capability-requests.ts';
import {
  decodeAsk,
  decodePart,
  encodeCredit,
  encodePart,
  encodeReply,
  type PipePart,
  readCredit,
} from '../protocol/stream-wire.ts';
import { kinds, readNumber } from '../protocol/wire.ts';
import type { Granted } from './call.ts';

/** An outgoing request of the capability host. */
export type CapabilityFetch = {
  /** Part of the request's body; the bytes may be kept. */
  write(bytes: Uint8Array): void;
  end(trailers?: Headers): void;
  /** Gives the whole request up. */
  abort(): void;
  /** This number of further bytes of the answer's body may come. */
  credit(bytes: number): void;
};

export type FetchEvents = {
  onHead(head: ResponseHead): void;
  /** In place of a head: an error-code of wasi:http, by name. Nothing follows. */
  onError(error: string): void;
  onPart(bytes: Uint8Array): void;
  /** The answer's body is complete. Nothing follows. */
  onEnd(trailers?: Headers): void;
  /** The answer's body will never be complete. Nothing follows. */
  onFailure(): void;
  /** This number of further bytes of the request's body may come. */
  onCredit(bytes: number): void;
};

/** Performs requests, within the grants. */
export type CapabilityHandler = {
  /**
   * Never rejects: a failure is in `reply.error`.
   * @param isWanted false when the call has ended: the rest of the work is not needed
   */
  answer(
    granted: Granted,
    ask: Exclude<CapabilityRequest, FetchRequest>,
    bytes: Uint8Array,
    isWanted?: () => boolean,
  ): Promise<{ reply: CapabilityReply; bytes: Uint8Array }>;
  fetch(granted: Granted, ask: FetchRequest, events: FetchEvents): CapabilityFetch;
};

export type CapabilityRequests = {
  /**
   * A request, or a part or credit of its stream.
   * @throws RangeError or SyntaxError for frames that our runner never sends; the process must be ended
   */
  receive(content: Buffer): void;
  /** The call has ended. */
  callEnded(seq: number): void;
  /** The process is gone. */
  reset(): void;
};

/**
 * An outgoing request in progress. `fetch` is there when the capability host has taken it; `answered` when its head was
 * reported.
 */
type Entry = { readonly seq: number; fetch: CapabilityFetch | undefined; answered: boolean };

/** @param grantedTo the function of a call that the process has */
export function createCapabilityRequests(
  capabilities: CapabilityHandler,
  grantedTo: (seq: number) => Granted | undefined,
  send: (frame: Buffer) => void,
): CapabilityRequests {
  const fetches = new Map<number, Entry>();
  let epoch = 0;

  const begin = (stream: number, seq: number, granted: Granted, ask: FetchRequest) => {
    const now = epoch;
    const forward = (frame: () => Buffer) => epoch === now && send(frame());
    const remove = () => {
      if (fetches.get(stream) === entry) fetches.delete(stream);
    };
    const done = (part: PipePart) => {
      remove();
      forward(() => encodePart(stream, part));
    };
    const entry: Entry = { seq, fetch: undefined, answered: false };
    fetches.set(stream, entry);
    entry.fetch = capabilities.fetch(granted, ask, {
      onHead(head) {
        entry.answered = true;
        forward(() => encodeReply(stream, { value: head }));
      },
      onError(error) {
        remove();
        forward(() => encodeReply(stream, { error }));
      },
      onPart: (bytes) => forward(() => encodePart(stream, { bytes, end: 'no' })),
      onEnd: (trailers) => done({ bytes: noBytes, end: 'last', trailers }),
      onFailure: () => done({ bytes: noBytes, end: 'failed' }),
      onCredit: (bytes) => forward(() => encodeCredit(stream, bytes)),
    });
  };

  const answer = (stream: number, content: Buffer) => {
    const now = epoch;
    const { seq, ask, bytes } = decodeAsk(content);
    // The capability host checks the rest, and refuses: the guest chooses much of a request.
    if (typeof (ask as CapabilityRequest | null)?.do !== 'string') throw new RangeError('an ask that is none');
    if (fetches.has(stream)) throw new RangeError(`stream ${stream} is in use`);
    const granted = grantedTo(seq);
    if (!granted) return;
    if (ask.do === 'fetch') return begin(stream, seq, granted, ask);
    const isWanted = () => epoch === now && grantedTo(seq) === granted;
    const tell = (reply: CapabilityReply, replied?: Uint8Array) =>
      epoch === now && send(encodeReply(stream, reply, replied));
    capabilities
      .answer(granted, ask, Uint8Array.from(bytes), isWanted)
      .then((done) => tell(done.reply, done.bytes))
      .catch(() => tell({ error: 'io' }));
  };

  /** Neither the runner nor its guest waits for the result. */
  const giveUp = (stream: number, { fetch }: Entry) => {
    fetches.delete(stream);
    fetch?.abort();
  };

  return {
    receive(content) {
      const stream = readNumber(content);
      if (content[0] === kinds.ask) return answer(stream, content);
      const entry = fetches.get(stream);
      if (content[0] === kinds.credit) return entry?.fetch?.credit(readCredit(content));
      const { bytes, end, trailers } = decodePart(content);
      if (!entry) return;
      if (end === 'failed') return giveUp(stream, entry);
      if (trailers && !headersSchema.safeParse(trailers).success) {
        giveUp(stream, entry);
        return send(
          entry.answered
            ? encodePart(stream, { bytes: noBytes, end: 'failed' })
            : encodeReply(stream, { error: 'HTTP-request-trailer-section-size' }),
        );
      }
      if (bytes.byteLength > 0) entry.fetch?.write(Uint8Array.from(bytes));
      if (end === 'last') entry.fetch?.end(trailers);
    },
    callEnded(seq) {
      for (const [stream, entry] of fetches) {
        if (entry.seq !== seq) continue;
        giveUp(stream, entry);
      }
    },
    reset() {
      epoch += 1;
      const open = [...fetches.values()];
      fetches.clear();
      for (const { fetch } of open) fetch?.abort();
    },
  };
}

const noBytes = new Uint8Array(0);
