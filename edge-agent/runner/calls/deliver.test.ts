import { maxPartBytes } from '@skerry/shared/http/http-limits.ts';
import { expect, test } from 'vitest';
import { frameStart } from '../protocol/framing.ts';
import { encodeCredit, encodeHead, encodeLog, encodePart, type LogEntry } from '../protocol/stream-wire.ts';
import type { ResultFrame } from '../protocol/wire.ts';
import type { CallEvents } from './call.ts';
import { checkedAnswer, deliver } from './deliver.ts';

/** Why the call cannot go on, and the events for its caller. */
function delivered(frame: Buffer) {
  const told: unknown[] = [];
  const events: CallEvents = {
    onStart() {},
    onHead: ({ status }) => told.push(status),
    onPart: ({ bytes }) => told.push(bytes.byteLength),
    onCredit: (bytes) => told.push(bytes),
    onLog: ({ source, text }) => told.push(`${source} ${text.length}`),
  };
  return { fault: deliver(frame.subarray(frameStart), events), told };
}
const part = (bytes: number, trailers?: unknown) =>
  encodePart(1, { bytes: new Uint8Array(bytes), end: 'last', trailers: trailers as [] });
const log = (entry: unknown) => encodeLog(1, entry as LogEntry);

test('valid frames are delivered', () => {
  expect(delivered(part(maxPartBytes, [['a', 'b']]))).toEqual({ fault: undefined, told: [maxPartBytes] });
  expect(delivered(encodeCredit(1, 1))).toEqual({ fault: undefined, told: [1] });
  expect(delivered(log({ source: 'info', text: 'x'.repeat(5_000) }))).toEqual({
    fault: undefined,
    told: ['info 4096'],
  });
});

test.each([
  ['a part that is too long', part(maxPartBytes + 1)],
  ['invalid trailers', part(0, [['a']])],
  ['a credit of no bytes', encodeCredit(1, 0)],
  ['an invalid head', encodeHead(1, { status: 1, headers: [] })],
])('%s ends the call', (_, frame) => {
  const { fault, told } = delivered(frame);
  expect(fault).toBeTypeOf('string');
  expect(told).toEqual([]);
});

test.each([
  ['of another kind', Buffer.from([0, 0, 0, 0, 99, 1, 0, 0, 0])],
  ['cut short', encodeCredit(1, 1).subarray(0, 8)],
  ['a log entry of null', log(null)],
  ['a log entry from nowhere', log({ source: 'x'.repeat(100), text: '' })],
  ['a log entry without text', log({ source: 'info', text: 5 })],
])('a frame that no runner sends is thrown: %s', (_, frame) => {
  expect(() => delivered(frame)).toThrow(RangeError);
});

test('a result stays within a frame', () => {
  const result = { ok: false, code: 'function_error', message: 'x'.repeat(10_000) } as const;
  const failed: ResultFrame = { seq: 1, started: true, durationUs: 1, result };
  expect(checkedAnswer(failed).result).toEqual({ ...result, message: 'x'.repeat(4_096) });
  const output = new Uint8Array(1);
  const answered: ResultFrame = { ...failed, result: { ok: true, output }, head: { status: 1, headers: [] } };
  expect(checkedAnswer(answered).result).toMatchObject({ ok: false, code: 'function_output_invalid' });
});
