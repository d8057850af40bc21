/**
 * HTTP handlers of WASI 0.3 within a thread: requests, answers that are written after the handler has returned, ends.
 */
import { describe, expect, test } from 'vitest';
import { TestChannel, TestSink } from '../http/testing/channel.ts';
import { frame, loadFixture } from '../http/testing/function.ts';

const http = await loadFixture('http03');
const call = async (channel: TestChannel) => http.call(frame({ streams: true }), channel);
const get = async (path: string) => {
  const channel = new TestChannel({ path });
  channel.body.end();
  return { outcome: await call(channel), channel };
};
const ok = { ok: true, output: new Uint8Array(0) };
const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('an answer', () => {
  test('an answer has the body that was written after it', async () => {
    const { outcome, channel } = await get('/hello?x=1');
    expect(outcome).toEqual(ok);
    expect(channel.head).toEqual({ status: 200, headers: [['x-case', 'new']] });
    expect([channel.sink.text(), channel.sink.ended]).toEqual(['/hello?x=1', 'whole']);
  });

  test('an answer may have no body', async () => {
    const { outcome, channel } = await get('/empty');
    expect([outcome, channel.head?.status, channel.sink.bytes, channel.sink.ended]).toEqual([ok, 204, 0, 'whole']);
  });

  test('streams the request’s body, and its trailers', async () => {
    const channel = new TestChannel({ path: '/echo', method: 'POST' });
    const done = call(channel);
    channel.body.push('one');
    await turns(40);
    expect(channel.sink.text()).toBe('one');
    channel.body.push('two').end([['x-sum', '1']]);
    expect(await done).toEqual(ok);
    expect(channel.sink.text()).toBe('onetwo');
    expect(channel.sink).toMatchObject({ ended: 'whole', trailers: [['x-sum', '1']] });
  });

  test('writes no faster than the caller reads', async () => {
    const sink = new TestSink(10_000);
    const channel = new TestChannel({ path: '/big' }, sink);
    const done = call(channel);
    await turns(50);
    expect(sink).toMatchObject({ bytes: 10_000, ended: undefined });
    sink.credit(5_000);
    await turns(50);
    expect(sink.bytes).toBe(15_000);
    sink.close('the caller is gone');
    expect(await done).toMatchObject({ ok: false, code: 'function_http_error' });
  });
});

describe('each failure has its code', () => {
  test.for([
    ['/trap', 'function_trap', /unreachable/, undefined],
    ['/late', 'function_trap', /unreachable/, 'broken'],
    ['/none', 'function_trap', /without resolution/, undefined],
    ['/error', 'function_http_error', /^connection-timeout/, undefined],
    ['/long', 'function_http_error', /not finished/, 'broken'],
  ] as const)('%s', async ([path, code, message, ended]) => {
    const { outcome, channel } = await get(path);
    expect(outcome).toMatchObject({ ok: false, code, message: expect.stringMatching(message) });
    expect(channel.sink.ended).toBe(ended);
  });

  test.for(['/echo', '/big', '/stuck'])('the deadline ends waits: %s', async (path) => {
    const channel = new TestChannel({ path }, new TestSink(100));
    const done = call(channel);
    await turns(30);
    channel.controller.abort(new Error('the deadline'));
    expect(await done).toMatchObject({ ok: false });
    expect(channel.sink.ended).toBe('broken');
  });

  test('a caller that disconnects while it sends', async () => {
    const channel = new TestChannel({ path: '/echo' });
    const done = call(channel);
    channel.body.push('some');
    await turns(20);
    channel.body.fail('the caller is gone');
    expect(await done).toMatchObject({ ok: false, code: 'function_http_error' });
  });
});
