import { describe, expect, test } from 'vitest';
import type * as z from 'zod';
import { maxHeaderCharacters, maxHeaders, maxPartBytes } from '../http/http-limits.ts';
import { checkHotToAgent, checkHotToControl } from './fast-decode.ts';
import { toAgentSchema, toControlSchema } from './protocol.ts';

const bytes = new Uint8Array([1, 2, 3]);
const headers = [
  ['accept', 'text/plain'],
  ['x-many', ''],
];
const outcome = { kind: 'outcome', id: 'i', revision: 1, durationUs: 7, cold: false, memoryAvailable: 9, running: 2 };
const body = { kind: 'body', id: 'i', bytes, last: true };
const credit = { kind: 'credit', id: 'i', bytes: 4 };
const http = { method: 'GET', scheme: 'https', authority: 'a.example', path: '/', headers };
const invoke = { kind: 'invoke', id: 'i', function: 'f', timeoutMs: 5, input: bytes };

/** Frames that must pass without the schema. */
const toAgent: object[] = [
  invoke,
  { ...invoke, traceparent: '00-ab-cd-01', streams: true, http },
  { ...invoke, http: { ...http, headers: [] } },
  body,
  credit,
];
const toControl: object[] = [
  { ...outcome, result: { ok: true, output: bytes } },
  { ...outcome, result: { ok: true, output: bytes }, head: { status: 200, headers } },
  body,
  credit,
];

/** Values that the author of a bad frame might put anywhere. */
const values: readonly unknown[] = [
  undefined,
  null,
  true,
  false,
  -1,
  -0,
  0,
  1,
  1.5,
  199,
  200,
  599,
  600,
  2 ** 53,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  1n,
  '',
  'a',
  'http',
  'outcome',
  ...[32, 33, 64, 65, 256, 257, 300, 301, 16_384, 16_385, maxHeaderCharacters + 1].map((n) => 'x'.repeat(n)),
  [],
  [[]],
  [['a']],
  [['a', 'b', 'c']],
  [['', 'b']],
  [['a', 1]],
  [['a', 'x'.repeat(maxHeaderCharacters - 1)]],
  [['a', 'x'.repeat(maxHeaderCharacters)]],
  Array.from({ length: maxHeaders }, () => ['a', 'b']),
  Array.from({ length: maxHeaders + 1 }, () => ['a', 'b']),
  Array(3),
  {},
  { ok: true },
  { ok: false, code: 'internal', message: 'm' },
  { ok: true, output: bytes, more: 1 },
  { ...http, more: 1 },
  { status: 204, headers, more: 1 },
  new Uint8Array(maxPartBytes),
  new Uint8Array(maxPartBytes + 1),
  new Uint16Array(2),
  new ArrayBuffer(2),
];

/** Yields copies of the frame: each key, and one that no schema knows, gets each value. Each key is also left out. */
function* mutations(frame: unknown): Generator<unknown> {
  if (typeof frame !== 'object' || frame === null || frame instanceof Uint8Array) return;
  for (const key of [...Object.keys(frame), 'more']) {
    const put = (value: unknown) =>
      Array.isArray(frame)
        ? frame.map((old: unknown, index) => (String(index) === key ? value : old))
        : { ...frame, [key]: value };
    for (const value of values) yield put(value);
    for (const inner of mutations((frame as Record<string, unknown>)[key])) yield put(inner);
    const { [key as never]: _, ...without } = frame;
    if (!Array.isArray(frame)) yield without;
  }
}

describe.each([
  ['to the agent', toAgent, checkHotToAgent, toAgentSchema],
  ['to the control plane', toControl, checkHotToControl, toControlSchema],
] satisfies [string, object[], (frame: object) => object | undefined, z.ZodType][])(
  'frames %s',
  (_, goodFrames, checkHot, schema) => {
    test.each(goodFrames)('a good frame does not need the schema: %j', (frame) => {
      expect(checkHot(frame)).toStrictEqual(schema.parse(frame));
    });

    test.each(goodFrames)('a frame that passes equals the output of the schema: %j', (frame) => {
      let passed = 0;
      for (const once of mutations(frame)) {
        const taken = checkHot(once as object);
        if (!taken) continue;
        expect(taken).toEqual(schema.parse(once));
        passed += 1;
      }
      expect(passed).toBeGreaterThan(0);
    });

    test('two mutations at once', () => {
      const frame = goodFrames[0] as object;
      let passed = 0;
      for (const once of mutations(frame)) {
        for (const key of Object.keys(frame)) {
          for (const value of [undefined, null, 0, '', 'a'.repeat(65), bytes]) {
            const taken = checkHot({ ...(once as object), [key]: value });
            if (!taken) continue;
            expect(schema.safeParse({ ...(once as object), [key]: value })).toMatchObject({ success: true });
            passed += 1;
          }
        }
      }
      expect(passed).toBeGreaterThan(0);
    });

    test('an unknown key does not pass', () => {
      expect(checkHot({ ...(goodFrames[0] as object), more: 1 })).not.toHaveProperty('more');
    });
  },
);
