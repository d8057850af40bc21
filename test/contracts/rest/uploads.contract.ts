/** Refused uploads, which leave nothing behind, over real HTTP. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { create, type Harness, halfUpload, problem, streamed, upload } from '../../../control-plane/testing/harness.ts';

export function describeUploads(h: () => Harness): void {
  describe('uploads', () => {
    test.each<[string, () => FormData, number]>([
      ['no name', () => upload({}, 'wasm'), 400],
      ['no code', () => upload({ name: 'bad' }), 400],
      ['code that is a text field', () => upload({ name: 'bad', code: 'wasm' }), 400],
      ['an empty file', () => upload({ name: 'bad' }, ''), 422],
      ['an invalid name', () => upload({ name: 'b d' }, 'wasm'), 422],
      ['code that is no component', () => upload({ name: 'bad' }, 'text'), 422],
      ['a manifest that is not JSON', () => upload({ name: 'bad', manifest: '{' }, 'wasm'), 400],
      ['a manifest with an unknown key', () => upload({ name: 'bad', manifest: '{"x":1}' }, 'wasm'), 422],
      ['metadata that is not JSON', () => upload({ name: 'bad', metadata: '{' }, 'wasm'), 400],
      ['metadata that is a list', () => upload({ name: 'bad', metadata: '[]' }, 'wasm'), 400],
      ['a capacity below -1', () => upload({ name: 'bad', metadata: '{"capacity":-2}' }, 'wasm'), 422],
      ['events that are no list', () => upload({ name: 'bad', events: '{}' }, 'wasm'), 400],
      ['sinks that are not JSON', () => upload({ name: 'bad', sinks: 'x' }, 'wasm'), 400],
      ['an invalid wait', () => upload({ name: 'bad', wait_for_workers: 'soon' }, 'wasm'), 400],
    ])('%s is refused, and nothing is stored', async (_, form, status) => {
      const answer = await h().request('POST', '/v1/fn/_', { body: form() });
      expect(answer.status).toBe(status);
      expect(answer.json).toMatchObject({ errors: { detail: expect.any(String), code: expect.any(String) } });
      expect(await h().request('GET', '/v1/fn/_/bad')).toMatchObject({ status: 404 });
    });

    test('a message about a field called "code" stands beside the error code', async () => {
      const answer = await h().request('POST', '/v1/fn/_', { body: upload({ name: 'bad' }, '') });
      expect(answer.json).toEqual({
        errors: { code: 'validation_failed', detail: "code can't be blank", fields: { code: ["can't be blank"] } },
      });
      const named = await h().request('POST', '/v1/fn/_', { body: upload({ name: '' }, 'wasm') });
      const name = ["can't be blank"];
      expect(named.json).toMatchObject({ errors: { code: 'validation_failed', name, fields: { name } } });
    });

    test('text that the database cannot store: 422', async () => {
      for (const text of ['\\u0000', '\\ud800']) {
        for (const fields of [
          { manifest: `{"env":{"A":"${text}"}}` },
          { manifest: `{"tag":"${text}"}` },
          { metadata: `{"tag":"${text}"}` },
        ]) {
          expect(await create(h(), 'text', 'wasm', fields)).toMatchObject({ status: 422 });
        }
      }
    });

    test('an unknown module or function is reported before the body is read', async () => {
      for (const [method, path] of [
        ['POST', '/v1/fn/none'],
        ['PUT', '/v1/fn/_/none'],
      ] as const) {
        const headers = { 'content-type': 'multipart/form-data; boundary=x' };
        expect(await h().request(method, path, { body: 'torn', headers })).toMatchObject({ status: 404 });
      }
    });

    test('uploads beyond the memory budget get 503 until one has ended', async () => {
      const open = await Promise.all(Array.from({ length: 4 }, () => halfUpload(h(), '/v1/fn/_', 100_000)));
      onTestFinished(() => {
        for (const request of open) request.destroy();
      });
      // They may have been sent and not yet been read. Until then, an invalid component gets the same answer.
      await vi.waitFor(async () => {
        const refused = await create(h(), 'busy', 'text');
        expect(refused).toMatchObject({ status: 503, json: { errors: { code: 'prepare_busy' } } });
      });
      for (const request of open) request.destroy();
      await vi.waitFor(async () => expect(await create(h(), 'busy')).toMatchObject({ status: 201 }));
    });

    test('a body that is not multipart, or broken: 400', async () => {
      expect(await h().request('POST', '/v1/fn/_', { json: { name: 'x' } })).toMatchObject({ status: 400 });
      const headers = { 'content-type': 'multipart/form-data; boundary=x' };
      expect(await h().request('POST', '/v1/fn/_', { body: 'torn', headers })).toMatchObject({ status: 400 });
    });

    test('an upload over the limit gets 413, at once or while it streams, and nothing is stored', async () => {
      const declared = await create(h(), 'large', `wasm${'x'.repeat(100_000)}`);
      expect(declared).toMatchObject({
        status: 413,
        json: problem('payload_too_large', 'Request Entity Too Large'),
      });
      expect(await streamed(h(), '/v1/fn/_', 'multipart/form-data; boundary=x', 200_000)).toBe(413);
      expect(await h().request('GET', '/v1/fn/_/large')).toMatchObject({ status: 404 });
    });
  });
}
