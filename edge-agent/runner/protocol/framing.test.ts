import { expect, test } from 'vitest';
import { createFrameReader, createFrameWriter, frameStart, maxPipeFrameBytes, newFrame } from './framing.ts';

function frame(content: string): Buffer {
  const bytes = newFrame(content.length);
  bytes.write(content, frameStart);
  return bytes;
}

const contents = ['a', '', 'some more', 'x'.repeat(1_000), 'end'];
const stream = Buffer.concat(contents.map(frame));

test.each([1, 2, 3, 7, 100, stream.byteLength])('joins chunks of %i bytes into whole frames', (size) => {
  const read: string[] = [];
  const onChunk = createFrameReader((content) => read.push(content.toString()));
  for (let at = 0; at < stream.byteLength; at += size) onChunk(stream.subarray(at, at + size));
  expect(read).toEqual(contents);
});

test('refuses a frame over the limit before its bytes arrive', () => {
  const header = Buffer.alloc(4);
  header.writeUInt32LE(maxPipeFrameBytes + 1);
  expect(() => createFrameReader(() => {})(header)).toThrow(RangeError);
});

test('frames of one turn leave in one write, in order', async () => {
  const writes: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const send = createFrameWriter((bytes) => {
    writes.push(Buffer.from(bytes).toString());
    resolve();
  });
  for (const content of ['a', 'b', 'c']) send(Buffer.from(content));
  await promise;
  expect(writes).toEqual(['abc']);
});
