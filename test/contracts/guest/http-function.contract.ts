/** wasi:http from end to end within a thread: http.wasm as prepared, our classes, and a channel of the test. */
import type { Headers, RequestHead } from '@skerry/shared/http/http.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { TestChannel, TestSink, TestSource } from '../../../edge-agent/runner/host/http/testing/channel.ts';
import { frame, loadFixture } from '../../../edge-agent/runner/host/http/testing/function.ts';
import type { LoadedFunction } from '../../../edge-agent/runner/host/instances/loaded-function.ts';

/** Both ways to make instances must pass. */
export function httpFunctionCases(way: 'glue' | 'plan'): void {
  const KiB = 1_024;
  const MiB = 1_024 * KiB;

  let http: LoadedFunction;
  beforeAll(async () => {
    http = await loadFixture('http', way);
  });

  const call = async (channel: TestChannel, reuse = false) => http.call(frame({ reuse }), channel);

  /** Runs a call without a body to its end. */
  async function get(path: string, request: Partial<RequestHead> = {}, sink?: TestSink) {
    const channel = new TestChannel({ path, ...request }, sink);
    channel.body.end();
    return { outcome: await call(channel), channel };
  }

  const ok = { ok: true, output: new Uint8Array(0) };
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

  describe('an answer', () => {
    test('has a status, headers and a body', async () => {
      const { outcome, channel } = await get('/404');
      expect(outcome).toEqual(ok);
      expect(channel.head).toEqual({ status: 404, headers: [['content-type', 'application/json']] });
      expect(channel.sink).toMatchObject({ ended: 'whole', trailers: undefined });
      expect(channel.sink.text()).toBe('{"path":"/404","count":1}');
    });

    test('may have no body', async () => {
      const { outcome, channel } = await get('/nobody');
      expect([outcome, channel.head?.status, channel.sink.ended, channel.sink.bytes]).toEqual([ok, 204, 'whole', 0]);
    });

    test('is the original request: method, authority, path, headers, with repeated headers apart', async () => {
      const headers: Headers = [
        ['accept', 'a'],
        ['X-One', '1'],
        ['accept', 'b'],
        ['connection', 'close'],
      ];
      const request = { method: 'PROPFIND', authority: 'shop.example:8080', headers };
      const { channel } = await get('/headers?x=%20y', request);
      expect(JSON.parse(channel.sink.text())).toEqual({
        method: 'PROPFIND',
        authority: 'shop.example:8080',
        path: '/headers?x=%20y',
        headers: headers.slice(0, 3),
      });
      expect(channel.head?.headers).toEqual([
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ]);
    });

    test('runs in one instance per call, or in the same one with reuse', async () => {
      const counts = async (reuse: boolean) => {
        const texts: string[] = [];
        for (let round = 0; round < 3; round++) {
          const channel = new TestChannel({});
          channel.body.end();
          await call(channel, reuse);
          texts.push(channel.sink.text());
          http.makeAhead();
        }
        return texts.map((text) => JSON.parse(text).count);
      };
      expect(await counts(false)).toEqual([1, 1, 1]);
      expect(await counts(true)).toEqual([1, 2, 3]);
    });
  });

  describe('bodies', () => {
    test('stream both ways, with trailers, and hold no more in memory than their windows', async () => {
      const total = 64 * MiB;
      const channel = new TestChannel({ path: '/echo', method: 'POST' }, new TestSink(256 * KiB, () => {}));
      const done = call(channel);
      const part = Buffer.alloc(64 * KiB, 'x');
      let most = 0;
      for (let sent = 0; sent < total; sent += part.byteLength) {
        while (channel.body.held >= 256 * KiB) {
          const taken = channel.body.nextTaken();
          channel.sink.credit(256 * KiB - channel.sink.room);
          await taken;
        }
        channel.body.push(part);
        // Bytes that came in, did not leave and are not in the source are in the guest, or buffered by us.
        most = Math.max(most, channel.body.taken - channel.sink.bytes);
      }
      channel.body.end([
        ['x-sum', '1'],
        ['x-sum', '2'],
      ]);
      while (channel.sink.ended === undefined) {
        channel.sink.credit(256 * KiB - channel.sink.room);
        await turn();
      }
      expect(await done).toEqual(ok);
      expect(channel.sink).toMatchObject({ bytes: total, ended: 'whole' });
      expect(channel.sink.trailers).toEqual([
        ['x-sum', '1'],
        ['x-sum', '2'],
      ]);
      expect(most).toBeLessThanOrEqual(128 * KiB);
    });

    test('a slow reader makes the guest wait', async () => {
      const sink = new TestSink(10_000);
      const channel = new TestChannel({ path: '/big?1000000' }, sink);
      const done = call(channel);
      await turn();
      await turn();
      expect(sink).toMatchObject({ bytes: 10_000, room: 0, ended: undefined });
      sink.credit(990_000);
      expect(await done).toEqual(ok);
      expect(sink.bytes).toBe(1_000_000);
    });

    test('each flush is one part', async () => {
      const { channel } = await get('/drip?5');
      expect(channel.sink.parts.map(String)).toEqual(Array(5).fill('drop\n'));
    });

    test('a guest that asks for 2,000,000,000 bytes at once gets 64 KiB', async () => {
      const channel = new TestChannel({ path: '/read?2000000000' });
      channel.body.push(new Uint8Array(MiB)).end();
      expect(await call(channel)).toEqual(ok);
      expect(channel.sink.text()).toBe('65536');
    });
  });

  describe('a caller that disconnects', () => {
    test('while it sends: the guest gets the matching error-code', async () => {
      const channel = new TestChannel({ path: '/echo' });
      channel.body.push('some');
      const done = call(channel);
      await turn();
      channel.body.fail('the caller is gone');
      expect(await done).toEqual(ok);
      expect(channel.sink.text()).toBe('someerror:7');
    });

    test('while it reads: the guest sees a closed stream, and its answer is incomplete', async () => {
      const sink = new TestSink(100);
      const channel = new TestChannel({ path: '/big?100000000' }, sink);
      const done = call(channel);
      await turn();
      sink.close('the caller is gone');
      expect(await done).toMatchObject({ ok: false, code: 'function_http_error' });
      expect(sink).toMatchObject({ bytes: 100, ended: 'broken' });
    });

    test('the deadline ends every kind of wait', async () => {
      for (const path of ['/echo', '/sleep?100000', '/big?1000000', '/fetch?slow.test/']) {
        const channel = new TestChannel({ path }, new TestSink(0));
        channel.respond = () => ({ head: { status: 200, headers: [] }, body: new TestSource() });
        const done = call(channel);
        await turn();
        channel.controller.abort(new Error('the deadline'));
        expect(await done).toMatchObject({ ok: false, code: 'function_trap', message: 'the deadline' });
      }
    });
  });

  describe('each failure has its code', () => {
    test.for([
      ['/trap', 'function_trap', /unreachable/, undefined],
      ['/midtrap', 'function_trap', /unreachable/, 'broken'],
      ['/nopermit', 'function_trap', /permit for 0/, 'broken'],
      ['/noset', 'function_no_answer', /without an answer/, undefined],
      ['/err', 'function_http_error', /^internal-error/, undefined],
      ['/drop', 'function_http_error', /not finished/, 'broken'],
      ['/short', 'function_http_error', /not finished/, 'broken'],
      ['/random?2000000000', 'function_trap', /2000000000 random bytes/, undefined],
    ] as const)('%s', async ([path, code, message, ended]) => {
      const { outcome, channel } = await get(path);
      expect(outcome).toMatchObject({ ok: false, code, message: expect.stringMatching(message) });
      expect(channel.sink.ended).toBe(ended);
    });

    test.for(['/trap', '/noset'])('and %s costs the instance, not the next call', async (ending) => {
      const path = (name: string) => {
        const channel = new TestChannel({ path: name });
        channel.body.end();
        return channel;
      };
      const [first, last] = [path('/'), path('/')];
      await call(first, true);
      expect(await call(path(ending), true)).toMatchObject({ ok: false });
      expect(await call(last, true)).toEqual(ok);
      expect(JSON.parse(last.sink.text()).count).toBe(1);
    });
  });

  describe('outgoing requests', () => {
    test('carry method, authority, path, body and trailers, and stream the answer', async () => {
      const channel = new TestChannel({ path: '/post?upstream.test:81/a?b' });
      channel.body.push('ask').end([['x-t', '1']]);
      channel.respond = () => ({
        head: { status: 200, headers: [] },
        body: new TestSource().push('answer').end([['x-u', '2']]),
      });
      expect(await call(channel)).toEqual(ok);
      const [fetch] = channel.fetches;
      expect(fetch?.head).toEqual({
        method: 'POST',
        scheme: 'http',
        authority: 'upstream.test:81',
        path: '/a?b',
        headers: [],
      });
      expect(fetch?.body).toMatchObject({ ended: 'whole', trailers: [['x-t', '1']] });
      expect([fetch?.body.text(), channel.sink.text()]).toEqual(['ask', 'answer']);
      expect(channel.sink.trailers).toEqual([['x-u', '2']]);
    });

    test('that are refused or fail are values to the guest', async () => {
      for (const [name, code] of [
        ['HTTP-request-denied', 15],
        ['DNS-error', 1],
        ['HTTP-response-header-size', 27],
        ['no such name', 38],
        ['toString', 38],
      ]) {
        const channel = new TestChannel({ path: '/fetch?denied.test/' });
        channel.body.end();
        channel.respond = () => ({ error: String(name) });
        expect(await call(channel)).toEqual(ok);
        expect(channel.sink.text()).toBe(`error:${code}`);
      }
    });

    test('without an authority are never sent', async () => {
      const { channel } = await get('/fetch?/nowhere');
      expect(channel.sink.text()).toBe('error:19');
      expect(channel.fetches).toEqual([]);
    });

    test('that a call leaves in progress end with it', async () => {
      const channel = new TestChannel({ path: '/fetch?slow.test/' });
      channel.respond = () => ({ head: { status: 200, headers: [] }, body: new TestSource() });
      const done = call(channel);
      await turn();
      channel.controller.abort(new Error('the deadline'));
      await done;
      expect(channel.fetches.map(({ aborted }) => aborted)).toEqual([true]);
    });
  });
}
