/** Rules of wasi:http/types that no well-behaved guest would break. */
import { describe, expect, test } from 'vitest';
import { IoError } from '../io/io-error.ts';
import { createExchange } from './exchange.ts';
import { RequestOptions } from './messages/request-options.ts';
import { createOutgoingHandler } from './outgoing-handler.ts';
import { TestChannel, TestSource } from './testing/channel.ts';
import { createTypes } from './types.ts';

const bytes = (text: string) => Buffer.from(text);
const KiB = 1_024;

/** The result for a guest: a value, or an Error that ends it. */
function refusal(run: () => unknown): { readonly error: unknown } | undefined {
  try {
    run();
  } catch (error) {
    return { error };
  }
  return undefined;
}
const withoutValue = { error: undefined };
const endsTheGuest = { error: expect.any(Error) };

function start(channel: TestChannel) {
  const signal = () => channel.signal;
  const types = createTypes(signal);
  const response = (headers: [string, string][] = []) =>
    new types.OutgoingResponse(types.Fields.fromList(headers.map(([name, value]) => [name, bytes(value)])));
  return { types, response, ...createExchange(channel, signal) };
}

const answered = (method = 'GET') => start(new TestChannel({ method }));
type Started = ReturnType<typeof start>;
const give = ({ types, outparam }: Started, response: ReturnType<Started['response']>) =>
  types.ResponseOutparam.set(outparam, { tag: 'ok', val: response });

describe('an answer', () => {
  test('is given once', () => {
    const call = answered();
    give(call, call.response());
    expect(refusal(() => give(call, call.response()))).toEqual(endsTheGuest);
    expect(call.returned()).toMatchObject({ ok: true });
  });

  test('comes too late when the call is over', () => {
    const call = answered();
    expect(call.returned()).toMatchObject({ code: 'function_no_answer' });
    expect(refusal(() => give(call, call.response()))).toEqual(endsTheGuest);
  });

  test('has a final status', () => {
    const { response } = answered();
    for (const status of [0, 100, 199, 600, 65_535]) {
      expect(refusal(() => response().setStatusCode(status))).toEqual(withoutValue);
    }
    expect(refusal(() => response().setStatusCode(599))).toBeUndefined();
  });

  test('has immutable headers', () => {
    const { response } = answered();
    expect(
      refusal(() =>
        response([['a', 'b']])
          .headers()
          .delete('a'),
      ),
    ).toEqual({ error: { tag: 'immutable' } });
  });

  test('may be written before it is given, up to 16 KiB', async () => {
    const channel = new TestChannel({});
    const call = start(channel);
    const response = call.response();
    const body = response.body();
    const stream = body.write();
    for (let i = 0; i < 4; i++) await stream.blockingWriteAndFlush(new Uint8Array(4 * KiB));
    expect(stream.checkWrite()).toBe(0n);
    const more = stream.blockingWriteAndFlush(bytes('more'));
    give(call, response);
    await more;
    stream[Symbol.dispose]();
    call.types.OutgoingBody.finish(body, undefined);
    expect(call.returned()).toMatchObject({ ok: true });
    expect(channel.sink).toMatchObject({ bytes: 16 * KiB + 4, ended: 'whole' });
  });

  test('that is dropped instead of given drops its body as well', () => {
    const { response } = answered();
    const dropped = response();
    const stream = dropped.body().write();
    dropped[Symbol.dispose]();
    expect(refusal(() => stream.checkWrite())).toEqual({
      error: { tag: 'last-operation-failed', val: expect.any(IoError) },
    });
  });
});

describe('the length of a body', () => {
  const answerOf = (declared: string, written: string, method = 'GET') => {
    const channel = new TestChannel({ method });
    const call = start(channel);
    const response = call.response([['content-length', declared]]);
    const body = response.body();
    const stream = body.write();
    give(call, response);
    stream.checkWrite();
    stream.write(bytes(written));
    stream[Symbol.dispose]();
    const refused = refusal(() => call.types.OutgoingBody.finish(body, undefined));
    return { refused, ended: channel.sink.ended, outcome: call.returned() };
  };
  const wrong = {
    refused: { error: { tag: 'HTTP-response-body-size' } },
    ended: 'broken',
    outcome: { ok: false, code: 'function_http_error' },
  };

  test('is as declared, or the body is incomplete', () => {
    expect(answerOf('3', 'abc')).toMatchObject({ refused: undefined, ended: 'whole', outcome: { ok: true } });
    expect(answerOf('3', 'ab')).toMatchObject(wrong);
    expect(answerOf('3', 'abcd')).toMatchObject(wrong);
  });

  test('of an answer to HEAD says nothing about the body', () => {
    expect(answerOf('3', '', 'HEAD')).toMatchObject({ refused: undefined, ended: 'whole', outcome: { ok: true } });
  });

  test('counts for a body that was never asked for', () => {
    const call = answered();
    give(call, call.response([['content-length', '3']]));
    expect(call.returned()).toMatchObject({ code: 'function_http_error' });
  });
});

describe('resources that exist once', () => {
  test('are an error the second time', () => {
    const { request, response } = answered();
    const body = request.consume();
    body.stream();
    const outgoing = response();
    outgoing.body().write();
    for (const again of [() => request.consume(), () => body.stream(), () => outgoing.body()]) {
      expect(refusal(again)).toEqual(withoutValue);
    }
  });

  test('a body is not finished while its stream is open, nor used after', () => {
    const { request, response, types } = answered();
    const body = request.consume();
    const stream = body.stream();
    expect(refusal(() => types.IncomingBody.finish(body))).toEqual(endsTheGuest);
    stream[Symbol.dispose]();
    types.IncomingBody.finish(body);
    expect(refusal(() => body.stream())).toEqual(endsTheGuest);
    const outgoing = response().body();
    outgoing.write();
    expect(refusal(() => types.OutgoingBody.finish(outgoing, undefined))).toEqual(endsTheGuest);
  });

  test('trailers come when the body has ended, or broke off', () => {
    const [whole, broken] = [new TestChannel({}), new TestChannel({})].map((channel) => {
      const { request, types } = start(channel);
      return { channel, future: types.IncomingBody.finish(request.consume()) };
    });
    expect([whole?.future.get(), broken?.future.subscribe().ready()]).toEqual([undefined, false]);
    whole?.channel.body.end();
    broken?.channel.body.fail('gone');
    expect(whole?.future.get()).toEqual({ tag: 'ok', val: { tag: 'ok', val: undefined } });
    expect(whole?.future.get()).toEqual({ tag: 'err' });
    expect(broken?.future.get()).toEqual({ tag: 'ok', val: { tag: 'err', val: { tag: 'connection-terminated' } } });
  });

  test('a stream that a guest keeps from an earlier call is closed', () => {
    const channel = new TestChannel({});
    const { request, returned } = start(channel);
    const stream = request.consume().stream();
    returned();
    expect(refusal(() => stream.read(1n))).toMatchObject({ error: { tag: 'last-operation-failed' } });
    expect(channel.body.dropped).toBe(true);
  });
});

describe('an outgoing request', () => {
  const make = () => {
    const { types } = answered();
    return new types.OutgoingRequest(new types.Fields());
  };

  test('takes nothing that could become another request', () => {
    const request = make();
    for (const val of ['', 'A B', 'GET\r\n', 'x'.repeat(33)]) {
      expect(refusal(() => request.setMethod({ tag: 'other', val }))).toEqual(withoutValue);
    }
    for (const path of ['/a b', '/\r\nHost: x', '/\x7f', '/é']) {
      expect(refusal(() => request.setPathWithQuery(path))).toEqual(withoutValue);
    }
    for (const authority of ['', 'a b', 'user@host', 'host/path', 'host?x', 'host#x', 'a\\b', 'x'.repeat(301)]) {
      expect(refusal(() => request.setAuthority(authority))).toEqual(withoutValue);
    }
    expect(refusal(() => request.setScheme({ tag: 'other', val: '1:' }))).toEqual(withoutValue);
    expect(refusal(() => request.setAuthority('[::1]:8080'))).toBeUndefined();
  });

  test('is refused as a value when it is incomplete', () => {
    const channel = new TestChannel({});
    const { handler } = createOutgoingHandler(() => channel);
    const request = make();
    const stream = request.body().write();
    expect(refusal(() => handler.handle(request, undefined))).toEqual({ error: { tag: 'HTTP-request-URI-invalid' } });
    expect(refusal(() => stream.checkWrite())).toMatchObject({ error: { tag: 'last-operation-failed' } });
    expect(channel.fetches).toEqual([]);
  });

  test('is limited to 64 at once', async () => {
    const channel = new TestChannel({});
    channel.respond = () => ({ head: { status: 200, headers: [] }, body: new TestSource() });
    const { handler, end } = createOutgoingHandler(() => channel);
    const send = () => {
      const request = make();
      request.setAuthority('upstream.test');
      return handler.handle(request, undefined);
    };
    const futures = Array.from({ length: 64 }, send);
    expect(refusal(send)).toEqual({ error: { tag: 'connection-limit-reached' } });
    futures[0]?.[Symbol.dispose]();
    expect(channel.fetches[0]?.aborted).toBe(true);
    expect(refusal(send)).toBeUndefined();
    end();
    expect(channel.fetches.filter(({ aborted }) => aborted)).toHaveLength(65);
  });

  test('has its times in milliseconds, rounded up; a time beyond the range of a timer is none', () => {
    const options = new RequestOptions();
    options.setConnectTimeout(1n);
    options.setFirstByteTimeout(1_500_000n);
    options.setBetweenBytesTimeout(2n ** 64n - 1n);
    expect(RequestOptions.millisecondsOf(options)).toEqual({
      connectTimeoutMs: 1,
      firstByteTimeoutMs: 2,
      betweenBytesTimeoutMs: 0,
    });
  });
});
