/** Asynchronous invocations over real HTTP: valid and invalid requests, their authors, and lists. */
import { beforeAll, describe, expect, test } from 'vitest';
import { createAsyncCalls, type Told } from '../../../control-plane/testing/async-calls.ts';
import { create, type Harness, type RequestOptions } from '../../../control-plane/testing/harness.ts';

export function describeInvocationRequests(h: () => Harness): void {
  describe('requests for asynchronous invocations', () => {
    beforeAll(async () => {
      await create(h(), 'asked', 'wasm asked');
      await create(h(), 'asked-small', 'wasm asked small', { manifest: '{"limits":{"input_bytes":10}}' });
    });
    const { call, idOf, reached } = createAsyncCalls(h, 'asked');

    test.each([
      ['an Idempotency-Key with a space', { 'idempotency-key': 'a b' }, 400],
      ['a long Idempotency-Key', { 'idempotency-key': 'x'.repeat(256) }, 400],
      ['a callback that is no URL', { 'x-callback-url': 'nowhere' }, 400],
      ['a callback that is not HTTP', { 'x-callback-url': 'file:///etc/passwd' }, 400],
      ['a callback with credentials', { 'x-callback-url': 'http://a:b@example.com/' }, 400],
      ['a callback to the metadata of a cloud', { 'x-callback-url': 'http://169.254.169.254/latest' }, 400],
    ])('%s is refused', async (_, headers, status) => {
      expect(await call({}, headers)).toMatchObject({ status });
    });

    test('a callback URL that is too long is refused with that reason', async () => {
      const answer = await call({}, { 'x-callback-url': `http://a/${'x'.repeat(2_048)}` });
      expect(answer).toMatchObject({ status: 400 });
      expect(answer.text).toContain('at most 2048 characters');
    });

    test('a callback for a synchronous call is refused, since it would never be sent', async () => {
      const headers = { 'x-callback-url': 'https://example.org/done' };
      const answer = await h().request('POST', '/v1/fn/_/asked', { json: { args: {} }, headers });
      expect(answer).toMatchObject({ status: 400, json: { errors: { code: 'bad_request' } } });
      expect(answer.text).toContain('respond-async');
    });

    test('an invalid time is reported once', async () => {
      const { json } = await h().request('GET', '/v1/invocations?since=yesterday');
      expect(json).toMatchObject({ errors: { since: ['must be a time as 2026-01-31T12:00:00Z'] } });
    });

    test('more input than the function takes: 413 at once', async () => {
      const answer = await call('x'.repeat(20), {}, 'asked-small');
      expect(answer).toMatchObject({ status: 413, json: { errors: { code: 'payload_too_large' } } });
    });

    test.each([
      ['GET', '/v1/invocations/none'],
      ['GET', '/v1/invocations/00000000-0000-7000-8000-000000000000'],
      ['DELETE', '/v1/invocations/%00'],
      ['DELETE', '/v1/invocations/00000000-0000-7000-8000-000000000000'],
      ['POST', '/v1/invocations/00000000-0000-7000-8000-000000000000/replay'],
    ])('%s %s: 404', async (method, path) => {
      expect(await h().request(method, path)).toMatchObject({ status: 404, json: { errors: { code: 'not_found' } } });
    });

    test.each([
      ['function=_', 422],
      ['state=done', 422],
      ['since=yesterday', 422],
      ['limit=0', 422],
      ['limit=1001', 422],
      ['limit=abc', 422],
      ['since=0000-01-01T00:00:00Z', 422],
      ['until=9999-12-31T23:59:59-14:00', 422],
      [`cursor=${Buffer.from('999999999999999').toString('base64url')}`, 200],
      ['cursor=abc', 422],
      [`cursor=${Buffer.from('1/\0').toString('base64url')}`, 422],
    ])('a list with %s: %i', async (query, status) => {
      expect(await h().request('GET', `/v1/invocations?${query}`)).toMatchObject({ status });
    });

    test('lists by function, state and time, page after page', async () => {
      await create(h(), 'asked-listed', 'wasm asked listed');
      const since = new Date().toISOString();
      const made: string[] = [];
      for (let n = 0; n < 5; n += 1) made.push(idOf(await call(n, {}, 'asked-listed')));
      for (const id of made) await reached(id, 'succeeded');
      const list = async (query: string) => {
        const answer = await h().request('GET', `/v1/invocations?function=_/asked-listed&${query}`);
        expect(answer.status).toBe(200);
        return (answer.json as { data: { invocations: Told[]; next: string | null } }).data;
      };
      const pages: string[][] = [];
      for (let cursor: string | null = ''; cursor !== null && pages.length < 9; ) {
        const page: { invocations: Told[]; next: string | null } = await list(
          `limit=2${cursor && `&cursor=${cursor}`}`,
        );
        pages.push(page.invocations.map(({ id }) => id));
        cursor = page.next;
      }
      expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
      expect(pages.flat()).toEqual(made.toReversed());
      expect((await list('state=succeeded')).invocations).toHaveLength(5);
      expect((await list('state=dead')).invocations).toEqual([]);
      expect((await list(`since=${since}`)).invocations).toHaveLength(5);
      expect((await list(`until=${since}`)).invocations).toEqual([]);
      const [first] = (await list('limit=1')).invocations;
      expect(first).not.toHaveProperty('output');
    });

    test('the callback key is for admins, everything else for any subject', async () => {
      const made = await h().request('POST', '/v1/admin/subjects', { json: { subject: { name: 'asynchronous' } } });
      const { token } = (made.json as { data: { token: string } }).data;
      const as = (method: string, path: string, options: RequestOptions = {}) =>
        h().request(method, path, { token, ...options });
      expect(await as('GET', '/v1/callback-key?url=https://example.org/')).toMatchObject({ status: 403 });
      expect(await as('GET', '/v1/invocations')).toMatchObject({ status: 200 });
      expect(await h().request('GET', '/v1/invocations', { token: null })).toMatchObject({ status: 401 });
      await h().request('DELETE', '/v1/admin/subjects/asynchronous');
    });
  });
}
