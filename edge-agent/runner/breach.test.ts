/** Code that has broken out of the sandbox can write to the runner's pipe. That costs the runner, and nothing else. */
import { type Bundle, computeDigest, encodeBundle } from '@skerry/shared/function/bundle.ts';
import { expect, test } from 'vitest';
import { frameStart, newFrame } from './protocol/framing.ts';
import { encodeAsk, encodeCredit, encodePart, type PipePart } from './protocol/stream-wire.ts';
import { kinds } from './protocol/wire.ts';
import { call, start, text } from './testing/harness.ts';

/** Glue that is not jco's: its input is the hexadecimal bytes that it writes to the pipe; then it waits. */
const glue = `export function instantiate() {
  return { invoke(input) {
    if (input === 'nothing') return 'fine';
    process.getBuiltinModule('node:fs').writeSync(3, Uint8Array.fromHex(input));
    return new Promise(() => {});
  } };
}`;
const bundle: Bundle = {
  format: 1,
  world: 'skerry:function/handler',
  exportName: 'invoke',
  mode: 'plain',
  glue,
  modules: [{ name: 'component.core.wasm', bytes: Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) }],
};
const bytes = encodeBundle(bundle);
const digest = computeDigest(bytes);
const begin = () => start({ threads: 1, readBundle: (asked) => (asked === digest ? bytes : undefined) });
/** The first call of a runner has this number. */
const first = 1;

function unknownKind(): Buffer {
  const frame = newFrame(5);
  frame[frameStart] = 99;
  frame.writeUInt32LE(first, frameStart + 1);
  return frame;
}
function cutShort(): Buffer {
  const frame = newFrame(1);
  frame[frameStart] = kinds.result;
  return frame;
}

test.each([
  ['a frame that is too long', Buffer.from('ffffffff', 'hex')],
  ['a frame of an unknown kind', unknownKind()],
  ['a truncated frame', cutShort()],
  ['a null request', encodeAsk(0x8000_0000, first, null as never)],
])('%s: the call is lost, and the next one works', async (_, frame) => {
  const runner = begin();
  const { result } = await call(runner, 'hostile', frame.toString('hex'), { bundle: digest });
  expect(result).toMatchObject({ ok: false, code: 'runner_lost' });
  expect(text(await call(runner, 'hostile', 'nothing', { bundle: digest }))).toBe('fine');
  expect(runner.stats().restarts).toBe(1);
});

test.each([
  ['a part that is too long', encodePart(first, { bytes: new Uint8Array(65_537), end: 'no' })],
  ['invalid trailers', encodePart(first, { bytes: new Uint8Array(0), end: 'last', trailers: 5 } as never as PipePart)],
  ['a credit of no bytes', encodeCredit(first, 0)],
])('%s: the call ends, and the runner stays', async (_, frame) => {
  const runner = begin();
  const { result } = await call(runner, 'hostile', frame.toString('hex'), { bundle: digest });
  expect(result).toMatchObject({ ok: false, code: 'function_output_invalid' });
  expect(text(await call(runner, 'hostile', 'nothing', { bundle: digest }))).toBe('fine');
  expect(runner.stats().restarts).toBe(0);
});
