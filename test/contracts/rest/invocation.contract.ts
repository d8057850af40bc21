/** Invocation by JSON and by raw bytes, over real HTTP. */
import { type ErrorCode, SkerryError } from '@skerry/shared/errors.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { adminToken, create, type Harness, problem, streamed } from '../../../control-plane/testing/harness.ts';

export function describeInvocation(h: () => Harness): void {
  describe('invocation', () => {
    beforeAll(async () => {
      await create(h(), 'echo', 'wasm echo', { manifest: '{"limits":{"input_bytes":100}}' });
      await create(h(), 'plain', 'wasm plain');
    });
    const invoke = (json?: unknown, options = {}) =>
      h().request('POST', '/v1/fn/_/plain', { ...(json !== undefined && { json }), ...options });

    test.each([
      ['no body', undefined, '{}'],
      ['no args', {}, '{}'],
      ['null', { args: null }, '{}'],
      ['an object', { args: { name: 'Ada' } }, '{"name":"Ada"}'],
      ['a list', { args: [1, 2] }, '[1,2]'],
      ['text', { args: 'x' }, '"x"'],
      ['a number', { args: 0 }, '0'],
      ['the default scheduling', { args: 1, scheduling: { language: 'none' } }, '1'],
    ])('args: %s', async (_, body, input) => {
      const answer = await invoke(body);
      expect(answer).toMatchObject({ status: 200, text: `{"data":${input}}` });
    });

    test('the answer says what ran where', async () => {
      const headers = { 'x-skerry-agent': 'pi', traceparent: '00-abc' };
      const answer = await invoke({}, { headers });
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'content-type': 'application/json',
        'x-skerry-invocation': 'invocation-1',
        'x-skerry-agent': 'pi',
        'x-skerry-revision': '1',
        'x-skerry-duration-us': '1234',
        'x-skerry-cold': '1',
        'x-request-id': expect.any(String),
      });
      expect(h().invoker.last).toMatchObject({ agent: 'pi', traceparent: '00-abc', function: { name: 'plain' } });
    });

    test('the output is sent byte by byte as it is', async () => {
      h().invoker.behave = async () => Buffer.from(' {"n": 1.0, "ü": 12345678901234567890}\n');
      expect((await invoke()).text).toBe('{"data": {"n": 1.0, "ü": 12345678901234567890}\n}');
    });

    test.each([
      ['text', Buffer.from('hello')],
      ['nothing', Buffer.alloc(0)],
      ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
      ['two values', Buffer.from('1}{')],
    ])('an output that is not JSON (%s): 500', async (_, output) => {
      h().invoker.behave = async () => output;
      const answer = await invoke();
      expect(answer).toMatchObject({ status: 500, json: { errors: { code: 'function_output_invalid' } } });
    });

    test.each([
      ['function_error', 422, 'Error: no such thing'],
      ['function_trap', 500, 'no such thing'],
      ['function_timeout', 504, 'no such thing'],
      ['agent_lost', 502, 'no such thing'],
      ['no_agent', 503, 'No worker available'],
      ['no_capacity', 503, 'no such thing'],
      ['internal', 500, 'Internal Server Error'],
    ] as [ErrorCode, number, string][])('%s: %s', async (code, status, detail) => {
      h().invoker.behave = () => Promise.reject(new SkerryError(code, 'no such thing'));
      expect(await invoke()).toMatchObject({ status, json: { errors: { code, detail } } });
    });

    test.each([
      ['not JSON', '{', 400],
      ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 400],
      ['a list', '[]', 400],
      ['scheduling that is no object', '{"scheduling":"app"}', 400],
      ['an APP script', '{"scheduling":{"language":"app","script":"s"}}', 422],
      ['an unknown language', '{"scheduling":{"language":"x"}}', 422],
      ['a body over the limit', `{"args":"${'x'.repeat(10_000)}"}`, 413],
    ])('a body that is %s', async (_, body, status) => {
      expect(await invoke(undefined, { body })).toMatchObject({
        status,
        json: { errors: { code: expect.any(String) } },
      });
    });

    test('a streamed body over the limit: 413', async () => {
      expect(await streamed(h(), '/v1/fn/_/plain', 'application/json', 50_000)).toBe(413);
    });

    test('an unknown function or module: 404', async () => {
      for (const path of ['/v1/fn/_/none', '/v1/fn/none/plain']) {
        expect(await h().request('POST', path)).toMatchObject({ status: 404, json: problem('not_found', 'Not Found') });
      }
    });

    test('a client that disconnects aborts the invocation', async () => {
      const started = Promise.withResolvers<AbortSignal | undefined>();
      h().invoker.behave = ({ signal }) =>
        new Promise((_, reject) => {
          started.resolve(signal);
          signal?.addEventListener('abort', () => reject(new SkerryError('cancelled', 'gone')));
        });
      const caller = new AbortController();
      const answer = invoke({}, { signal: caller.signal });
      const signal = await started.promise;
      const aborted = new Promise((resolve) => signal?.addEventListener('abort', () => resolve('aborted')));
      caller.abort();
      await expect(answer).rejects.toThrow();
      expect(await aborted).toBe('aborted');
    });

    test('the raw endpoint passes bytes in and out, with every method', async () => {
      const binary = new Uint8Array([0, 255, 1]);
      const raw = await fetch(`${h().url}/function/plain/some/path?q=1`, {
        method: 'PATCH',
        headers: { authorization: `Bearer ${adminToken}` },
        body: binary,
      });
      expect(raw.headers.get('content-type')).toBe('application/octet-stream');
      expect(new Uint8Array(await raw.arrayBuffer())).toEqual(binary);
      const json = await h().request('POST', '/function/plain._', { body: '{"a":1}' });
      expect(json).toMatchObject({ status: 200, text: '{"a":1}' });
      expect(json.headers.get('content-type')).toBe('application/json');
      expect(json.headers.get('x-skerry-agent')).toBe('pi');
      expect(await h().request('GET', '/function/plain')).toMatchObject({ status: 200, text: '' });
      expect(h().invoker.last?.input.byteLength).toBe(0);
      expect(await h().request('GET', '/function/none.none')).toMatchObject({ status: 404 });
      const large = await h().request('POST', '/function/echo', { body: 'x'.repeat(101) });
      expect(large).toMatchObject({ status: 413, json: { errors: { code: 'payload_too_large' } } });
    });
  });
}
