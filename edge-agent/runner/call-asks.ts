/**
 * What the runner's process asks for, joined with who does it: the broker. The process is not trusted: an ask counts
 * only for a call that it has, with the grants of that call's function.
 *
 * Invariant: when a call ends, or the process does, nothing that was asked for it goes on.
 */
import type { Headers, ResponseHead } from '@skerry/shared/http.ts';
import type { Ask, FetchAsk, Reply } from './asks.ts';
import type { Granted } from './call.ts';
import { decodeAsk, decodePart, encodeCredit, encodePart, encodeReply, type Part, readCredit } from './stream-wire.ts';
import { kinds, readNumber } from './wire.ts';

/** An outgoing request, as the broker has it. */
export type BrokerFetch = {
  /** Part of the request's body; the bytes may be kept. */
  write(bytes: Uint8Array): void;
  end(trailers?: Headers): void;
  /** Gives the whole request up. */
  abort(): void;
  /** So many bytes more of the answer's body may come. */
  credit(bytes: number): void;
};

export type FetchEvents = {
  onHead(head: ResponseHead): void;
  /** Instead of a head: an error-code of wasi:http, by name. Nothing follows. */
  onError(error: string): void;
  onPart(bytes: Uint8Array): void;
  /** The answer's body is whole. Nothing follows. */
  onEnd(trailers?: Headers): void;
  /** The answer's body will never be whole. Nothing follows. */
  onFailure(): void;
  /** So many bytes more of the request's body may come. */
  onCredit(bytes: number): void;
};

/** Does what is asked, within the grants. */
export type AskBroker = {
  /** Never rejects: what goes wrong is in `reply.error`. */
  answer(
    granted: Granted,
    ask: Exclude<Ask, FetchAsk>,
    bytes: Uint8Array,
  ): Promise<{ reply: Reply; bytes: Uint8Array }>;
  fetch(granted: Granted, ask: FetchAsk, events: FetchEvents): BrokerFetch;
};

export type CallAsks = {
  /** An ask, or a part or credit of its stream. */
  receive(content: Buffer): void;
  /** The call has ended. */
  callEnded(seq: number): void;
  /** The process is gone. */
  reset(): void;
};

/** @param grantedTo the function of a call that the process has */
export function createCallAsks(
  broker: AskBroker,
  grantedTo: (seq: number) => Granted | undefined,
  send: (frame: Buffer) => void,
): CallAsks {
  const fetches = new Map<number, { readonly seq: number; readonly fetch: BrokerFetch }>();
  let epoch = 0;

  const begin = (stream: number, seq: number, granted: Granted, ask: FetchAsk) => {
    const now = epoch;
    const forward = (frame: () => Buffer) => epoch === now && send(frame());
    const done = (part: Part) => {
      fetches.delete(stream);
      forward(() => encodePart(stream, part));
    };
    const fetch = broker.fetch(granted, ask, {
      onHead: (head) => forward(() => encodeReply(stream, { value: head })),
      onError(error) {
        fetches.delete(stream);
        forward(() => encodeReply(stream, { error }));
      },
      onPart: (bytes) => forward(() => encodePart(stream, { bytes, end: 'no' })),
      onEnd: (trailers) => done({ bytes: noBytes, end: 'last', trailers }),
      onFailure: () => done({ bytes: noBytes, end: 'failed' }),
      onCredit: (bytes) => forward(() => encodeCredit(stream, bytes)),
    });
    fetches.set(stream, { seq, fetch });
  };

  const answer = async (stream: number, content: Buffer) => {
    const now = epoch;
    const { seq, ask, bytes } = decodeAsk(content);
    const granted = grantedTo(seq);
    if (!granted) return;
    if (ask.do === 'fetch') return begin(stream, seq, granted, ask);
    const done = await broker.answer(granted, ask, Uint8Array.from(bytes));
    if (epoch === now) send(encodeReply(stream, done.reply, done.bytes));
  };

  return {
    receive(content) {
      const stream = readNumber(content);
      if (content[0] === kinds.ask) return void answer(stream, content);
      const fetch = fetches.get(stream)?.fetch;
      if (content[0] === kinds.credit) return fetch?.credit(readCredit(content));
      const part = decodePart(content);
      if (part.bytes.byteLength > 0) fetch?.write(Uint8Array.from(part.bytes));
      if (part.end === 'last') fetch?.end(part.trailers);
      if (part.end === 'failed') {
        fetches.delete(stream);
        fetch?.abort();
      }
    },
    callEnded(seq) {
      for (const [stream, entry] of fetches) {
        if (entry.seq !== seq) continue;
        fetches.delete(stream);
        entry.fetch.abort();
      }
    },
    reset() {
      epoch += 1;
      const open = [...fetches.values()];
      fetches.clear();
      for (const { fetch } of open) fetch.abort();
    },
  };
}

const noBytes = new Uint8Array(0);
