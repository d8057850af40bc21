/**
 * Capability requests of one thread to the agent, and the streams of its outgoing HTTP requests.
 *
 * Invariant: a request ends with its reply or with its call. Frames for an ended request are dropped.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { ResponseHead } from '@skerry/shared/http/http.ts';
import type { CapabilityReply, CapabilityRequest, FetchRequest } from '../../protocol/capability-requests.ts';
import type { Fetch } from '../../protocol/channel.ts';
import {
  decodePart,
  decodeReply,
  encodeAsk,
  encodeCredit,
  encodePart,
  readCredit,
  requestNumber,
} from '../../protocol/stream-wire.ts';
import { kinds, readNumber } from '../../protocol/wire.ts';
import { Inbound, Outbound } from './parts.ts';

type Answer = { reply: CapabilityReply; bytes: Uint8Array };

/** The fields of a call that its requests need. */
type RequestingCall = { readonly seq: number; readonly signal: AbortSignal; readonly bodyBytes: number };

export type CapabilityClient = {
  askNow(call: RequestingCall, ask: CapabilityRequest, bytes?: Uint8Array): Answer;
  fetch(call: RequestingCall, ask: Omit<FetchRequest, 'do'>): Fetch;
  /** A reply, part or credit for a request of this thread. */
  receive(content: Buffer): void;
};

type Stream = {
  onReply(answer: Answer): void;
  /** The answer's body has ended. */
  onEnd?(): void;
  readonly inbound?: Inbound;
  readonly outbound?: Outbound;
};

/**
 * @param options.replies port for the replies to blocking requests, each announced by a change of `bell`
 * @param options.post takes a frame for the agent
 */
export function createCapabilityClient(options: {
  thread: number;
  replies: MessagePort;
  bell: Int32Array;
  post: (frame: Buffer) => void;
}): CapabilityClient {
  const { thread, replies, bell, post } = options;
  const streams = new Map<number, Stream>();
  let count = 0;

  const next = (blocking: boolean): number => {
    do count += 1;
    while (streams.has(requestNumber(thread, count, blocking)));
    return requestNumber(thread, count, blocking);
  };

  /** Registers a stream that ends with its call. */
  const open = (number: number, call: RequestingCall, stream: Stream, onEnd: () => void): (() => void) => {
    const close = () => {
      call.signal.removeEventListener('abort', abort);
      streams.delete(number);
    };
    const abort = () => {
      close();
      onEnd();
    };
    streams.set(number, stream);
    call.signal.addEventListener('abort', abort);
    return close;
  };

  return {
    askNow(call, ask, bytes) {
      const number = next(true);
      let seen = Atomics.load(bell, 0);
      post(encodeAsk(number, call.seq, ask, bytes));
      for (;;) {
        const received = receiveMessageOnPort(replies);
        if (received) {
          const content = asBuffer(received.message);
          if (readNumber(content) === number) return decodeReply(content);
          continue;
        }
        Atomics.wait(bell, 0, seen);
        seen = Atomics.load(bell, 0);
      }
    },
    fetch(call, ask) {
      call.signal.throwIfAborted();
      const number = next(false);
      const { promise: response, resolve } = Promise.withResolvers<Awaited<Fetch['response']>>();
      const outbound = new Outbound(call.bodyBytes, (part) => post(encodePart(number, part)));
      const inbound = new Inbound(new Uint8Array(0), false, (bytes) => post(encodeCredit(number, bytes)));
      const giveUp = (reason: Error) => {
        outbound.fail(reason);
        inbound.fail(reason);
        resolve({ error: 'connection-terminated' });
      };
      const onReply = ({ reply }: Answer) => {
        if (reply.error === undefined) return resolve({ head: reply.value as ResponseHead, body: inbound });
        resolve({ error: reply.error });
        outbound.close(new Error(reply.error));
        close();
      };
      const onEnd = () => {
        // A server may answer without having read the whole request.
        outbound.close(new Error('the answer has ended'));
        close();
      };
      const stream = { onReply, onEnd, inbound, outbound };
      const close = open(number, call, stream, () => giveUp(call.signal.reason));
      post(encodeAsk(number, call.seq, { do: 'fetch', ...ask }));
      return {
        body: outbound,
        response,
        abort() {
          if (!streams.has(number)) return;
          close();
          giveUp(new Error('the request was given up'));
          post(encodePart(number, { bytes: new Uint8Array(0), end: 'failed' }));
        },
      };
    },
    receive(content) {
      const number = readNumber(content);
      const stream = streams.get(number);
      switch (content[0]) {
        case kinds.reply:
          return stream?.onReply(decodeReply(content));
        case kinds.credit:
          return stream?.outbound?.credit(readCredit(content));
        case kinds.part: {
          const part = decodePart(content);
          stream?.inbound?.push(part);
          if (part.end !== 'no') stream?.onEnd?.();
          return;
        }
      }
    },
  };
}

const asBuffer = (message: Uint8Array): Buffer => Buffer.from(message.buffer, message.byteOffset, message.byteLength);
