import type { FrameOf, ToAgent } from '@skerry/shared/tunnel/protocol.ts';
import { expect, test } from 'vitest';
import { createDesiredParts } from './assemble.ts';

const part = (generation: number, number: number, last: boolean): FrameOf<ToAgent, 'desired'> => ({
  kind: 'desired',
  generation,
  part: number,
  last,
  functions: [],
});

test('the list is complete with its last part', () => {
  const { add } = createDesiredParts();
  expect(add(part(1, 0, false))).toBeUndefined();
  expect(add(part(1, 1, false))).toBeUndefined();
  expect(add(part(1, 2, true))).toEqual({ generation: 1, functions: [] });
  expect(add(part(2, 0, true))).toEqual({ generation: 2, functions: [] });
});

test('with a part missing, of another generation or out of order, nothing is taken until the next whole', () => {
  const { add } = createDesiredParts();
  expect(add(part(1, 1, true))).toBeUndefined();
  expect(add(part(1, 0, false))).toBeUndefined();
  expect(add(part(1, 2, true))).toBeUndefined();
  expect(add(part(1, 1, true))).toBeUndefined();
  expect(add(part(1, 0, false))).toBeUndefined();
  expect(add(part(2, 1, true))).toBeUndefined();
  expect(add(part(3, 0, true))).toEqual({ generation: 3, functions: [] });
});
