/** Modules, over real HTTP. */
import type { ErrorCode } from '@skerry/shared/errors.ts';
import { describe, expect, test } from 'vitest';
import { create, type Harness, problem } from '../../../control-plane/testing/harness.ts';

export function describeModules(h: () => Harness): void {
  describe('modules', () => {
    test('create, list, show, rename, delete', async () => {
      const created = await h().request('POST', '/v1/fn', { json: { module: { name: 'shop' } } });
      expect(created).toMatchObject({ status: 201, json: { data: { name: 'shop' } } });
      expect((await h().request('GET', '/v1/fn')).json).toEqual({ data: [{ name: '_' }, { name: 'shop' }] });
      await create(h(), 'till', 'wasm 1', {}, 'shop');
      const shown = await h().request('GET', '/v1/fn/shop');
      expect(shown).toMatchObject({ status: 200, json: { data: { name: 'shop', functions: [{ name: 'till' }] } } });

      const renamed = await h().request('PUT', '/v1/fn/shop', { json: { module: { name: 'store' } } });
      expect(renamed).toMatchObject({ status: 200, json: { data: { name: 'store' } } });
      expect(await h().request('GET', '/v1/fn/shop')).toMatchObject({ status: 404 });
      expect(await h().request('GET', '/v1/fn/store/till')).toMatchObject({ status: 200 });

      const deleted = await h().request('DELETE', '/v1/fn/store');
      expect(deleted).toMatchObject({ status: 204, text: '' });
      expect(await h().request('GET', '/v1/fn/store/till')).toMatchObject({ status: 404 });
    });

    test.each([
      ['not JSON', '{', 400, 'bad_request'],
      ['no module', '{}', 400, 'bad_request'],
      ['a module that is no object', '{"module":"x"}', 400, 'bad_request'],
      ['a list', '[]', 400, 'bad_request'],
      ['a name that is a number', '{"module":{"name":5}}', 400, 'bad_request'],
    ])('%s: %s', async (_, body, status, code) => {
      const headers = { 'content-type': 'application/json' };
      const answer = await h().request('POST', '/v1/fn', { body: String(body), headers });
      expect(answer).toMatchObject({ status, json: problem(code as ErrorCode, 'Bad Request') });
    });

    test.each([
      ['no name', {}, "can't be blank"],
      ['an empty name', { name: '' }, "can't be blank"],
      ['a name with a blank', { name: 'a b' }, expect.stringContaining('must be 1 to 63')],
      ['a name with a newline at its end', { name: 'a\n' }, expect.stringContaining('must be 1 to 63')],
      ['a name that is too long', { name: 'a'.repeat(64) }, expect.stringContaining('must be 1 to 63')],
      ['a taken name', { name: '_' }, 'has already been taken'],
    ])('%s: 422', async (_, module, message) => {
      const answer = await h().request('POST', '/v1/fn', { json: { module } });
      expect(answer.status).toBe(422);
      expect(answer.json).toMatchObject({ errors: { name: [message], detail: expect.any(String) } });
    });

    test('the default module can be neither deleted nor renamed: 400', async () => {
      const deleted = await h().request('DELETE', '/v1/fn/_');
      expect(deleted.status).toBe(400);
      expect(deleted.json).toMatchObject({ error: expect.any(String), ...problem('bad_request', 'Bad Request') });
      const renamed = await h().request('PUT', '/v1/fn/_', { json: { module: { name: 'x' } } });
      expect(renamed).toMatchObject({ status: 400, json: problem('bad_request', 'Bad Request') });
    });

    test('unknown keys are ignored, as in FunLess; a urlencoded body is refused: 400', async () => {
      const json = { module: { name: 'lenient', colour: 'red' }, more: 1 };
      expect(await h().request('POST', '/v1/fn', { json })).toMatchObject({ status: 201 });
      expect(await h().request('DELETE', '/v1/fn/lenient')).toMatchObject({ status: 204 });
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const body = 'module[name]=encoded';
      expect(await h().request('POST', '/v1/fn', { body, headers })).toMatchObject({ status: 400 });
    });

    test('an unknown module: 404', async () => {
      const json = { module: { name: 'x' } };
      for (const [method, options] of [
        ['GET', {}],
        ['DELETE', {}],
        ['PUT', { json }],
      ] as const) {
        const answer = await h().request(method, '/v1/fn/nowhere', options);
        expect(answer).toMatchObject({ status: 404, json: problem('not_found', 'Not Found') });
      }
      expect((await create(h(), 'f', 'wasm', {}, 'nowhere')).status).toBe(404);
    });
  });
}
