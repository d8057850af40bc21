/** Requests as a broken process writes them: refused, or thrown so that the process is ended; never ignored. */
import { grantsSchema } from '@skerry/shared/function/manifest.ts';
import { expect, test } from 'vitest';
import type { CapabilityRequest } from '../protocol/capability-requests.ts';
import { frameStart } from '../protocol/framing.ts';
import {
  decodePart,
  decodeReply,
  encodeAsk,
  encodeCredit,
  encodePart,
  firstRequestNumber,
} from '../protocol/stream-wire.ts';
import { kinds, readNumber } from '../protocol/wire.ts';
import { type CapabilityHandler, createCapabilityRequests, type FetchEvents } from './call-capabilities.ts';

const granted = { function: 'f', grants: grantsSchema.parse(undefined) };
const fetchAsk: CapabilityRequest = {
  do: 'fetch',
  head: { method: 'GET', scheme: 'http', authority: 'a.example', path: '/', headers: [] },
  connectTimeoutMs: 0,
  firstByteTimeoutMs: 0,
  betweenBytesTimeoutMs: 0,
};
const getAsk: CapabilityRequest = { do: 'keyvalue', bucket: 'b', op: 'get', key: 'k' };
const noBytes = new Uint8Array(0);
const head = { status: 200, headers: [] };

/** Call 7 is in progress. The capability host only records its calls. */
function joined(answer: CapabilityHandler['answer'] = async () => ({ reply: { value: true }, bytes: noBytes })) {
  const told: string[] = [];
  const sent: string[] = [];
  const events: FetchEvents[] = [];
  const calls = new Set([7]);
  let onSent = () => {};
  const capabilities: CapabilityHandler = {
    answer,
    fetch(_granted, _ask, given) {
      const name = events.push(given);
      return {
        write: (bytes) => told.push(`${name} write ${bytes.byteLength}`),
        end: () => told.push(`${name} end`),
        abort: () => told.push(`${name} abort`),
        credit: (bytes) => told.push(`${name} credit ${bytes}`),
      };
    },
  };
  const asks = createCapabilityRequests(
    capabilities,
    (seq) => (calls.has(seq) ? granted : undefined),
    (frame) => {
      const content = frame.subarray(frameStart);
      const stream = readNumber(content) - firstRequestNumber;
      sent.push(`${stream} ${content[0] === kinds.part ? decodePart(content).end : replyOf(content)}`);
      onSent();
    },
  );
  const receive = (frame: Buffer) => asks.receive(frame.subarray(frameStart));
  const nextSent = () =>
    new Promise<void>((resolve) => {
      onSent = resolve;
    });
  return { asks, receive, told, sent, events, calls, nextSent };
}
const replyOf = (content: Buffer) => decodeReply(content).reply.error ?? 'value';
const part = (stream: number, trailers: unknown) =>
  encodePart(firstRequestNumber + stream, { bytes: noBytes, end: 'last', trailers: trailers as [] });

test.each([null, 5, 'text', {}, { do: 5 }, []])('a request that is %j is thrown', (ask) => {
  const { receive, told, sent } = joined();
  expect(() => receive(encodeAsk(firstRequestNumber, 7, ask as unknown as CapabilityRequest))).toThrow(RangeError);
  expect([told, sent]).toEqual([[], []]);
});

test('a request that is not JSON, or is truncated, is thrown', () => {
  const { receive } = joined();
  const frame = encodeAsk(firstRequestNumber, 7, getAsk);
  expect(() => receive(frame.subarray(0, frameStart + 6))).toThrow(RangeError);
  frame.write('not JSON', frameStart + 13);
  expect(() => receive(frame)).toThrow(SyntaxError);
});

test('a stream in use cannot be taken, and its request is still aborted with its call', () => {
  const { asks, receive, told } = joined();
  receive(encodeAsk(firstRequestNumber, 7, fetchAsk));
  expect(() => receive(encodeAsk(firstRequestNumber, 7, fetchAsk))).toThrow(/in use/);
  asks.callEnded(7);
  expect(told).toEqual(['1 abort']);
});

test('an earlier request on a number does not affect a later one', () => {
  const { asks, receive, told, events } = joined();
  receive(encodeAsk(firstRequestNumber, 7, fetchAsk));
  receive(encodePart(firstRequestNumber, { bytes: noBytes, end: 'failed' }));
  receive(encodeAsk(firstRequestNumber, 7, fetchAsk));
  events[0]?.onFailure();
  asks.reset();
  expect(told).toEqual(['1 abort', '2 abort']);
});

test.each([[[['name']]], [{}], [[[1, 2]]], [Array(1_000).fill(['n', 'v'])], [5]])(
  'invalid trailers end the request (%#)',
  (trailers) => {
    const { receive, told, sent, events } = joined();
    receive(encodeAsk(firstRequestNumber, 7, fetchAsk));
    receive(part(0, trailers));
    receive(encodeAsk(firstRequestNumber + 1, 7, fetchAsk));
    events[1]?.onHead(head);
    receive(part(1, trailers));
    expect(told).toEqual(['1 abort', '2 abort']);
    expect(sent).toEqual(['0 HTTP-request-trailer-section-size', '1 value', '1 failed']);
  },
);

test('frames of no request are dropped', () => {
  const { receive, told, sent } = joined();
  receive(part(3, []));
  receive(encodeCredit(firstRequestNumber + 3, 10));
  receive(encodeAsk(firstRequestNumber, 8, fetchAsk));
  expect([told, sent]).toEqual([[], []]);
});

test('a failing capability host is an error to the guest', async () => {
  const { receive, sent, nextSent } = joined(async () => {
    throw new Error('the disk is gone');
  });
  const answered = nextSent();
  receive(encodeAsk(firstRequestNumber, 7, getAsk));
  await answered;
  expect(sent).toEqual(['0 io']);
});

test('the capability host can see that the call has ended', () => {
  const seen: boolean[] = [];
  let wanted = () => false;
  const { receive, calls } = joined(async (_granted, _ask, _bytes, isWanted = () => false) => {
    wanted = isWanted;
    return { reply: {}, bytes: noBytes };
  });
  receive(encodeAsk(firstRequestNumber, 7, getAsk));
  seen.push(wanted());
  calls.delete(7);
  seen.push(wanted());
  expect(seen).toEqual([true, false]);
});
