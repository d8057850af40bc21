/** Events of wasi:http functions, through a gate that the test answers. */

import { grantsSchema } from '@skerry/shared/function/manifest.ts';
import type { ResponseHead } from '@skerry/shared/http/http.ts';
import { desiredFunctionSchema } from '@skerry/shared/tunnel/protocol.ts';
import { expect, test } from 'vitest';
import type { InvocationEvents, InvocationOutcome, InvocationRequest } from '../../invoke/invocation-gate.ts';
import { callForEvent } from './event-call.ts';

const fn = desiredFunctionSchema.parse({
  id: 'f',
  module: '_',
  name: 'web',
  revision: 2,
  bundle: 'a'.repeat(64),
  limits: { memory_bytes: 1 << 20, timeout_ms: 1_234, input_bytes: 100, output_bytes: 10 },
  env: {},
  args: [],
  instance: 'fresh',
  grants: grantsSchema.parse(undefined),
  http: true,
});
const head = (status: number): ResponseHead => ({ status, headers: [] });
const whole = (status: number, body: string): Partial<InvocationOutcome> => ({
  head: head(status),
  result: { ok: true, output: Buffer.from(body) },
});

/** Answers one call. */
async function call(answer: (events: InvocationEvents) => Partial<InvocationOutcome>) {
  const asked: InvocationRequest[] = [];
  const credits: number[] = [];
  let cancelled = 0;
  const tried = await callForEvent(
    {
      async invoke(invocation, events) {
        asked.push(invocation);
        events.onStart();
        const result = { ok: true, output: new Uint8Array(0) } as const;
        return { result, revision: 2, durationUs: 9, cold: false, ...answer(events) };
      },
      credit: (_, bytes) => void credits.push(bytes),
      cancel() {
        cancelled += 1;
      },
    },
    fn,
    'id',
    Buffer.from('{"a":1}'),
  );
  const output = tried.result.ok ? Buffer.from(tried.result.output).toString() : undefined;
  return { ...tried, output, asked: asked[0], credits, cancelled };
}

test('the input is the body of a POST to /', async () => {
  const { asked, output, started, revision } = await call(() => whole(200, '"well"'));
  expect(asked).toMatchObject({ id: 'id', function: 'f', timeoutMs: 1_234, http: { method: 'POST', path: '/' } });
  expect(asked?.http?.headers).toContainEqual(['content-length', '7']);
  expect([output, started, revision]).toEqual(['"well"', true, 2]);
});

test('an empty body is null, and a status of 400 and above an error with its text', async () => {
  expect((await call(() => whole(204, ''))).output).toBe('null');
  expect((await call(() => whole(404, 'not here'))).result).toEqual({
    ok: false,
    code: 'function_error',
    message: 'not here',
  });
});

test('an answer in parts is joined, and each part gives credit for more', async () => {
  const { output, credits } = await call((events) => {
    events.onHead?.(head(200));
    const bytes = Buffer.from('12345');
    events.onPart?.({ bytes, end: 'no' });
    // The bytes are a view, and are reused soon.
    bytes.fill(0);
    events.onPart?.({ bytes: Buffer.from('678'), end: 'last' });
    return {};
  });
  expect(output).toBe('12345678');
  expect(credits).toEqual([5, 3]);
});

test('an answer that is too large is ended, and an unfinished one is none', async () => {
  const large = await call((events) => {
    events.onHead?.(head(200));
    for (let n = 0; n < 5; n++) events.onPart?.({ bytes: Buffer.alloc(8), end: 'no' });
    return { result: { ok: false, code: 'cancelled', message: 'nobody waits' } };
  });
  expect(large).toMatchObject({ cancelled: 1, result: { code: 'function_output_too_large' } });
  const broken = await call((events) => {
    events.onHead?.(head(200));
    events.onPart?.({ bytes: Buffer.from('1'), end: 'failed' });
    return {};
  });
  expect(broken.result).toMatchObject({ code: 'function_output_invalid' });
  expect((await call(() => ({}))).result).toMatchObject({ code: 'function_no_answer' });
});
