import { pack } from 'msgpackr/pack';
import { describe, expect, test } from 'vitest';
import { agentCodec, CodecError, controlCodec } from './codec.ts';
import { maxFrameBytes } from './protocol.ts';

function catchClose(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    if (error instanceof CodecError) return error.close;
    throw error;
  }
  return undefined;
}

describe('codec', () => {
  test('one end decodes what the other end encodes', () => {
    const frame = { kind: 'invoke', id: 'i1', function: 'f1', timeoutMs: 5, input: new Uint8Array([1, 2, 3]) } as const;
    const [decoded] = agentCodec.decode(controlCodec.encode(frame));
    expect(decoded).toMatchObject({ ...frame, input: expect.any(Uint8Array) });
    expect([...((decoded as typeof frame).input ?? [])]).toEqual([1, 2, 3]);
  });

  test('one message can carry several frames, in order', () => {
    const message = Buffer.concat([1, 2, 3].map((n) => controlCodec.encode({ kind: 'ping', n })));
    expect(agentCodec.decode(message)).toEqual([1, 2, 3].map((n) => ({ kind: 'ping', n })));
  });

  test('frames of unknown kind are skipped, and the others are decoded', () => {
    const message = Buffer.concat([
      pack({ kind: 'from-the-future', x: 1 }),
      controlCodec.encode({ kind: 'ping', n: 1 }),
    ]);
    expect(agentCodec.decode(message)).toEqual([{ kind: 'ping', n: 1 }]);
  });

  test.each([
    ['bytes that are not msgpack', Buffer.from([0xc1])],
    ['a truncated frame', Buffer.from(pack({ kind: 'ping', n: 1 })).subarray(0, -1)],
    ['an array that claims four billion elements', Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff])],
    ['nesting without end', Buffer.alloc(300_000, 0x91)],
    ['a value that is no frame', Buffer.from(pack(42))],
    ['a frame without a kind', Buffer.from(pack({ n: 1 }))],
    ['a field of the wrong type', Buffer.from(pack({ kind: 'ping', n: 'one' }))],
    ['a field that is out of bounds', Buffer.from(pack({ kind: 'ping', n: -1 }))],
    ['an object for bytes', Buffer.from(pack({ kind: 'invoke', id: 'a', function: 'f', timeoutMs: 1, input: {} }))],
  ])('%s is a bad frame', (_, message) => {
    expect(catchClose(() => agentCodec.decode(message))).toBe('bad_frame');
  });

  test('a key named __proto__ does not reach any prototype', () => {
    const hostile = Buffer.from(`\x83\xa4kind\xa4ping\xa1n\x01\xa9__proto__\x81\xa8polluted\x01`, 'latin1');
    expect(agentCodec.decode(hostile)).toEqual([{ kind: 'ping', n: 1 }]);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test('a message over the limit is refused in both directions', () => {
    expect(catchClose(() => agentCodec.decode(Buffer.alloc(maxFrameBytes + 1)))).toBe('frame_too_large');
    const input = new Uint8Array(maxFrameBytes);
    const frame = { kind: 'invoke', id: 'a', function: 'f', timeoutMs: 1, input } as const;
    expect(catchClose(() => controlCodec.encode(frame))).toBe('frame_too_large');
  });

  test('a bad frame fails at its author', () => {
    expect(catchClose(() => controlCodec.encode({ kind: 'ping', n: -1 }))).toBe('bad_frame');
  });
});
