/** Open routes, authentication, and the parts that all answers share, over real HTTP. */
import { describe, expect, test } from 'vitest';
import { adminToken, type Harness, problem } from '../../../control-plane/testing/harness.ts';

export function describeAccess(h: () => Harness): void {
  describe('routes without authentication', () => {
    test('GET /v1 and /v1/ answer one sentence', async () => {
      for (const path of ['/v1', '/v1/']) {
        const answer = await h().request('GET', path, { token: null });
        expect(answer).toMatchObject({ status: 200, text: expect.stringContaining('up') });
        expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
      }
    });

    test('/metrics, /healthz and /readyz answer', async () => {
      const metrics = await h().request('GET', '/metrics', { token: null });
      expect(metrics.text).toMatch(/^skerry_catalog_version \d+$/m);
      expect(metrics.text).toMatch(/^skerry_store_up 1$/m);
      expect(metrics.text).toMatch(/^process_resident_memory_bytes /m);
      expect((await h().request('GET', '/healthz', { token: null })).json).toEqual({ status: 'ok' });
      expect((await h().request('GET', '/readyz', { token: null })).json).toEqual({ status: 'ready' });
      const again = await h().request('GET', '/metrics', { token: null });
      expect(again.text).toContain('skerry_http_request_duration_seconds_count{route="GET /healthz",status="200"}');
    });

    test('the OpenAPI document names every path, and /docs shows it without outside assets', async () => {
      const { json } = await h().request('GET', '/openapi.json', { token: null });
      const { openapi, paths } = json as { openapi: string; paths: Record<string, object> };
      expect(openapi).toBe('3.1.0');
      expect(Object.keys(paths['/v1/fn/{module}/{function}'] ?? {}).sort()).toEqual(['delete', 'get', 'post', 'put']);
      expect(Object.keys(paths)).toEqual(
        expect.arrayContaining(['/v1/fn', '/v1/agents/tokens', '/v1/admin/subjects', '/function/{target}']),
      );
      const page = await h().request('GET', '/docs', { token: null });
      expect(page.text).not.toMatch(/https?:\/\//);
      for (const [, asset] of page.text.matchAll(/(?:src|href)="([^"]+)"/g)) {
        expect(await h().request('GET', asset ?? '', { token: null })).toMatchObject({ status: 200 });
      }
      expect(await h().request('GET', '/docs/package.json', { token: null })).toMatchObject({ status: 404 });
    });

    test.each([
      ['no token', null],
      ['an invalid token', 'sk_wrong'],
    ])('%s: 401', async (_, token) => {
      for (const [method, path] of [
        ['GET', '/v1/fn'],
        ['POST', '/v1/fn/_'],
        ['POST', '/v1/fn/_/nothing'],
        ['GET', '/function/nothing'],
        ['GET', '/v1/admin/subjects'],
        ['POST', '/v1/agents/tokens'],
      ] as const) {
        const answer = await h().request(method, path, { token });
        expect(answer.status).toBe(401);
        expect(answer.json).toEqual({ errors: { detail: 'Unauthorized', code: 'unauthorized' } });
      }
    });

    test('another scheme than Bearer: 401', async () => {
      const headers = { authorization: `Basic ${adminToken}` };
      expect(await h().request('GET', '/v1/fn', { token: null, headers })).toMatchObject({ status: 401 });
    });
  });

  test('an unknown route is 404; every answer has a request id, the client’s if it sent one', async () => {
    const unknown = await h().request('GET', '/v2/none');
    expect(unknown.json).toEqual({ errors: { detail: 'Not Found', code: 'not_found' } });
    expect(unknown.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    const headers = { 'x-request-id': 'mine-1' };
    for (const [method, path] of [
      ['GET', '/v1/fn'],
      ['GET', '/v1/fn/none'],
      ['POST', '/v1/fn/_/none'],
      ['GET', '/v2/none'],
    ] as const) {
      expect((await h().request(method, path, { headers })).headers.get('x-request-id')).toBe('mine-1');
    }
  });

  test.each([
    ['GET', '/v1/agents/%00'],
    ['DELETE', '/v1/agents/%00'],
    ['GET', '/metrics/agents/%00'],
    ['DELETE', '/v1/agents/tokens/%00'],
    ['DELETE', '/v1/admin/subjects/%00'],
    ['POST', '/v1/admin/subjects/%00/rotate'],
    ['GET', '/v1/fn/%00'],
    ['DELETE', '/v1/fn/%00'],
    ['GET', '/v1/fn/%00/x'],
    ['DELETE', '/v1/fn/_/%00'],
    ['GET', '/v1/fn/_/%00/revisions'],
    ['GET', '/v1/fn/%00/x/code'],
    ['POST', '/v1/fn/_/%00'],
    ['POST', '/v1/fn/%00'],
    ['PUT', '/v1/fn/_/%00'],
    ['POST', '/function/%00.%00'],
  ])('%s %s, which a database cannot store: 404', async (method, path) => {
    expect(await h().request(method, path)).toMatchObject({ status: 404, json: problem('not_found', 'Not Found') });
  });

  test('the same in paths with a body', async () => {
    const renamed = await h().request('PUT', '/v1/fn/%00', { json: { module: { name: 'x' } } });
    expect(renamed).toMatchObject({ status: 404 });
    const rolledBack = await h().request('POST', '/v1/fn/_/%00/rollback', { json: { revision: 1 } });
    expect(rolledBack).toMatchObject({ status: 404 });
  });

  test('Accept without JSON: 406', async () => {
    for (const accept of ['text/html', 'application/xml, application/json;q=0']) {
      const answer = await h().request('GET', '/v1/fn', { headers: { accept } });
      expect(answer).toMatchObject({ status: 406, json: problem('not_acceptable', 'Not Acceptable') });
      expect(await h().request('POST', '/v1/fn/_/none', { headers: { accept } })).toMatchObject({ status: 406 });
    }
    const accepts = (path: string, accept: string) => h().request('GET', path, { headers: { accept } });
    expect(await accepts('/v1/fn/_/none/code', 'text/html')).toMatchObject({ status: 406 });
    expect(await accepts('/v1/fn/_/none/code', 'application/wasm')).toMatchObject({ status: 404 });
    const prometheus = 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3';
    expect(await accepts('/metrics', prometheus)).toMatchObject({ status: 200 });
    expect(await accepts('/metrics/agents/none', prometheus)).toMatchObject({ status: 404 });
    expect(await accepts('/metrics/agents', 'application/json')).toMatchObject({ status: 200 });
    const accept = 'text/html, application/json;q=0.5';
    expect(await h().request('GET', '/v1/fn', { headers: { accept } })).toMatchObject({ status: 200 });
  });
}
