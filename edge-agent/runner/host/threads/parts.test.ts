import { maxPartBytes, streamWindowBytes } from '@skerry/shared/http/http-limits.ts';
import { expect, test } from 'vitest';
import type { PipePart } from '../../protocol/stream-wire.ts';
import { Inbound, Outbound } from './parts.ts';

const part = (text: string, end: PipePart['end'] = 'no'): PipePart => ({ bytes: Buffer.from(text), end });
const textOf = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

test('received bytes are taken in order, up to the requested length', async () => {
  const inbound = new Inbound(Buffer.from('ab'), false, () => {});
  inbound.push(part('cde'));
  expect(textOf(inbound.take(1))).toBe('a');
  expect(textOf(inbound.take(10))).toBe('b');
  expect(textOf(inbound.take(10))).toBe('cde');
  expect(inbound.take(10)).toBeUndefined();
  expect(inbound.ended).toBe(false);
  const woken = inbound.ready();
  inbound.push({ bytes: new Uint8Array(0), end: 'last', trailers: [['x-sum', '7']] });
  await woken;
  expect(inbound.ended).toBe(true);
  expect(inbound.trailers).toEqual([['x-sum', '7']]);
});

test('credit is given for taken bytes, in large steps, and not for bytes that came with the call', () => {
  const credits: number[] = [];
  const first = Buffer.alloc(100_000);
  const inbound = new Inbound(first, false, (bytes) => credits.push(bytes));
  while (inbound.take(10_000));
  expect(credits).toEqual([]);
  for (let sent = 0; sent < streamWindowBytes; sent += maxPartBytes) {
    inbound.push({ bytes: Buffer.alloc(maxPartBytes), end: 'no' });
  }
  expect(credits).toEqual([]);
  while (inbound.take(1_000_000));
  expect(credits.reduce((sum, bytes) => sum + bytes, 0)).toBe(streamWindowBytes);
  expect(credits.length).toBeLessThanOrEqual(4);
});

test('a body without a reader is let through', () => {
  const credits: number[] = [];
  const inbound = new Inbound(new Uint8Array(0), false, (bytes) => credits.push(bytes));
  inbound.push({ bytes: Buffer.alloc(maxPartBytes), end: 'no' });
  inbound.drop();
  inbound.push({ bytes: Buffer.alloc(maxPartBytes), end: 'no' });
  expect(credits).toEqual([maxPartBytes, maxPartBytes]);
  expect(inbound.take(1)).toBeUndefined();
});

test('a body that breaks off is not reported as ended', async () => {
  const inbound = new Inbound(new Uint8Array(0), false, () => {});
  const woken = inbound.ready();
  inbound.push(part('x', 'failed'));
  await woken;
  expect(inbound.failure).toBeInstanceOf(Error);
  expect(textOf(inbound.take(1))).toBe('x');
  expect(inbound.ended).toBe(false);
});

test('written bytes are cut into parts, and stop at the window', async () => {
  const parts: PipePart[] = [];
  const outbound = new Outbound(1e9, (sent) => parts.push(sent));
  outbound.write(Buffer.alloc(streamWindowBytes));
  expect(parts.map(({ bytes }) => bytes.byteLength)).toEqual(Array(4).fill(maxPartBytes));
  expect(outbound.room).toBe(0);
  const woken = outbound.ready();
  outbound.credit(5);
  await woken;
  expect(outbound.room).toBe(5);
  outbound.end([['a', 'b']]);
  outbound.end();
  expect(parts.slice(4)).toEqual([{ bytes: new Uint8Array(0), end: 'last', trailers: [['a', 'b']] }]);
});

test('a body over its limit fails, and reports it', () => {
  const parts: PipePart[] = [];
  const outbound = new Outbound(10, (sent) => parts.push(sent));
  outbound.write(Buffer.alloc(10));
  expect(outbound.overLimit).toBe(false);
  outbound.write(Buffer.alloc(1));
  expect(outbound.overLimit).toBe(true);
  expect(outbound.failure).toBeInstanceOf(Error);
  expect(parts.map(({ end }) => end)).toEqual(['no', 'failed']);
});

test('no part is sent to a reader that is gone', async () => {
  const parts: PipePart[] = [];
  const outbound = new Outbound(1e9, (sent) => parts.push(sent));
  outbound.write(Buffer.alloc(streamWindowBytes));
  const woken = outbound.ready();
  outbound.close(new Error('gone'));
  await woken;
  outbound.write(Buffer.alloc(1));
  outbound.end();
  expect(parts).toHaveLength(4);
});
