import { expect, test } from 'vitest';
import { frameStart } from './framing.ts';
import {
  decodeLoad,
  decodeResult,
  encodeCall,
  encodeLoad,
  encodeLoaded,
  encodeResult,
  readCall,
  readCallHead,
  readDigest,
  readLoadedMessage,
} from './wire.ts';

const digest = '0123456789abcdef'.repeat(4);
const content = (frame: Buffer) => frame.subarray(frameStart);

test('a call arrives as it was sent', () => {
  const call = {
    seq: 0xffff_ffff,
    timeoutMs: 600_000,
    digest,
    reuse: true,
    streams: true,
    request: undefined,
    outputBytes: 4 * 1024 * 1024,
    environment: '{"env":{"A":"ü"},"args":[]}',
    input: Buffer.from('{"x":1}'),
  };
  expect(readCall(content(encodeCall(call)))).toEqual(call);
  expect(readCallHead(content(encodeCall(call)))).toEqual({ seq: call.seq, timeoutMs: call.timeoutMs, digest });
});

test.each([
  { ok: true, output: Uint8Array.from([1, 2, 3]) },
  { ok: false, code: 'function_timeout', message: 'too läte' },
] as const)('a result arrives as it was sent: $ok', (result) => {
  const frame = { seq: 7, started: true, durationUs: 1234, result };
  expect(decodeResult(content(encodeResult(frame)))).toEqual(frame);
});

test('a message is cut to the tunnel’s limit', () => {
  const result = { ok: false, code: 'function_error', message: 'x'.repeat(10_000) } as const;
  const decoded = decodeResult(content(encodeResult({ seq: 1, started: true, durationUs: 0, result })));
  expect(decoded.result.ok ? 0 : decoded.result.message.length).toBe(4096);
});

test('a bundle arrives with all of its modules', () => {
  const modules = [Uint8Array.from([1]), new Uint8Array(0), Uint8Array.from([2, 3])];
  const frame = encodeLoad(digest, {
    format: 1,
    world: 'skerry:function/handler',
    exportName: 'invoke',
    mode: 'plain',
    glue: 'glue',
    modules: modules.map((bytes, index) => ({ name: `m${index}`, bytes })),
  });
  const decoded = decodeLoad(content(frame));
  expect(decoded.digest).toBe(digest);
  expect(decoded.header).toMatchObject({ glue: 'glue', mode: 'plain', exportName: 'invoke' });
  expect(decoded.modules).toEqual(modules);
});

test('loaded names the bundle, and the reason of a failure', () => {
  expect(readDigest(content(encodeLoaded(digest)))).toBe(digest);
  expect(readLoadedMessage(content(encodeLoaded(digest)))).toBe('');
  expect(readLoadedMessage(content(encodeLoaded(digest, 'bad magic')))).toBe('bad magic');
});
