/** Functions, over real HTTP. */

import { computeDigest } from '@skerry/shared/function/bundle.ts';
import { describe, expect, test } from 'vitest';
import { createBundles } from '../../../control-plane/functions/bundles.ts';
import { create, type Harness, problem, upload } from '../../../control-plane/testing/harness.ts';

export function describeFunctions(h: () => Harness): void {
  describe('functions', () => {
    test('create answers with what was stored and what the agents did', async () => {
      h().hub.rolloutAnswer = {
        agents: 2,
        applied: 1,
        failed: [{ agent: 'pi', code: 'function_load_failed', message: 'no' }],
      };
      const { status, json } = await create(h(), 'made');
      expect(status).toBe(201);
      const data = {
        name: 'made',
        module: '_',
        revision: 1,
        digest: computeDigest(Buffer.from('wasm 1')),
        bundle_digest: expect.stringMatching(/^[0-9a-f]{64}$/),
        world: 'skerry:function/handler',
        size: 6,
        imports: ['wasi:cli/environment@0.2.3'],
        permissions: { added: ['imports wasi:cli/environment'], removed: [] },
        agents: { total: 2, applied: 1, failed: [{ agent: 'pi', code: 'function_load_failed', message: 'no' }] },
      };
      expect(json).toEqual({ data });
      expect(h().hub.rollouts).toEqual([
        { functionId: expect.any(String), version: h().controlPlane.catalog.version, waitMs: 5_000 },
      ]);
    });

    test('a function is read back with all its fields', async () => {
      const manifest = { env: { A: '1' }, limits: { timeout_ms: 5 }, placement: { labels: { site: 'x' } } };
      await create(h(), 'read', 'wasm 1', { manifest: JSON.stringify(manifest) });
      const id = h().hub.rollouts[0]?.functionId;
      h().hub.held = [{ id: 'agent-1', name: 'one', holds: false, error: 'disk full' }];
      const { status, json } = await h().request('GET', '/v1/fn/_/read');
      expect(status).toBe(200);
      expect(json).toEqual({
        data: {
          name: 'read',
          module: '_',
          revision: 1,
          digest: computeDigest(Buffer.from('wasm 1')),
          bundle_digest: expect.stringMatching(/^[0-9a-f]{64}$/),
          world: 'skerry:function/handler',
          size: 6,
          imports: ['wasi:cli/environment@0.2.3'],
          permissions: { asks: [], granted: [], ungranted: [], unused: [] },
          manifest: {
            limits: {
              memory_bytes: 67_108_864,
              timeout_ms: 5,
              input_bytes: 1_048_576,
              output_bytes: 1_048_576,
              body_bytes: 4 * 2 ** 30,
              log_bytes_per_second: 16_384,
              concurrency: 10_000,
              keyvalue_bytes: 1_048_576,
            },
            env: { A: '1' },
            args: [],
            capabilities: { http: [], networks: [], directories: [] },
            config: {},
            instance: 'fresh',
            retry: { attempts: 3, base_ms: 1_000, cap_ms: 60_000 },
            placement: { labels: { site: 'x' } },
            tag: '',
          },
          created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
          created_by: 'admin',
          agents: [{ id: 'agent-1', name: 'one', online: true, holds: false, error: 'disk full', state: 'failed' }],
        },
      });
      const entry = h().controlPlane.catalog.find('_', 'read');
      expect(entry).toMatchObject({ id, capacityBytes: 131_072, since: h().controlPlane.catalog.version });
      expect(await h().controlPlane.bundles.read(entry?.bundle ?? '')).toBeInstanceOf(Uint8Array);
      expect((await h().request('GET', '/v1/functions')).json).toMatchObject({
        data: expect.arrayContaining([expect.objectContaining({ module: '_', name: 'read', revision: 1 })]),
      });
    });

    test('a function that an agent holds back is shown with the remaining time', async () => {
      await create(h(), 'held');
      h().hub.held = [
        { id: '1', name: 'one', holds: true },
        { id: '2', name: 'two', holds: true, heldForMs: 4_000 },
        { id: '3', name: 'three', holds: false },
      ];
      const { json } = await h().request('GET', '/v1/fn/_/held');
      const agents = (json as { data: { agents: unknown[] } }).data.agents;
      const reason = expect.stringContaining('ended its runner several times');
      expect(agents).toEqual([
        { id: '1', name: 'one', online: true, holds: true, state: 'ready' },
        { id: '3', name: 'three', online: true, holds: false, state: 'waiting' },
        { id: '2', name: 'two', online: true, holds: true, state: 'held_back', reason, retry_in_ms: 4_000 },
      ]);
    });

    test('a taken name: 409', async () => {
      await create(h(), 'twice');
      const answer = await create(h(), 'twice', 'wasm 2');
      expect(answer).toMatchObject({ status: 409, json: problem('conflict', 'Conflict') });
      const [one, other] = await Promise.all([create(h(), 'race'), create(h(), 'race')]);
      expect([one.status, other.status].sort()).toEqual([201, 409]);
    });

    test.each([
      ['absent', undefined, 5_000],
      ['true', 'true', 5_000],
      ['false', 'false', 0],
      ['0', '0', 0],
      ['no', 'no', 0],
      ['milliseconds', '250', 250],
    ])('wait_for_workers %s', async (title, value, waitMs) => {
      const answer = await create(
        h(),
        `wait_${title}`,
        'wasm 1',
        value === undefined ? {} : { wait_for_workers: value },
      );
      expect(answer.status).toBe(201);
      expect(h().hub.rollouts).toMatchObject([{ waitMs }]);
    });

    test('metadata is stored: tag and capacity, -1 for none', async () => {
      await create(h(), 'meta', 'wasm 1', { metadata: '{"tag":"edge","capacity":64}' });
      expect(h().controlPlane.catalog.find('_', 'meta')).toMatchObject({
        manifest: { tag: 'edge', capacity_bytes: 65_536 },
        capacityBytes: 65_536,
      });
      await h().request('PUT', '/v1/fn/_/meta', {
        body: upload({ name: 'meta', metadata: '{"capacity":-1}' }, 'wasm 1'),
      });
      expect(h().controlPlane.catalog.find('_', 'meta')).toMatchObject({
        revision: 2,
        manifest: { tag: 'edge' },
        capacityBytes: 131_072,
      });
    });

    test('update: new code keeps the manifest, a new manifest keeps the code, the same makes no revision', async () => {
      await create(h(), 'up', 'wasm 1', { manifest: '{"env":{"A":"1"}}' });
      const put = (form: FormData) => h().request('PUT', '/v1/fn/_/up', { body: form });
      const second = await put(upload({ name: 'up' }, 'wasm 2'));
      expect(second).toMatchObject({
        status: 200,
        json: { data: { revision: 2, digest: computeDigest(Buffer.from('wasm 2')) } },
      });
      expect(h().controlPlane.catalog.find('_', 'up')?.manifest.env).toEqual({ A: '1' });

      const { version } = h().controlPlane.catalog;
      expect(await put(upload({ name: 'up' }, 'wasm 2'))).toMatchObject({
        status: 200,
        json: { data: { revision: 2 } },
      });
      expect(h().controlPlane.catalog.version).toBe(version);

      const prepared = h().preparer.prepared;
      const third = await put(upload({ name: 'up', manifest: '{"env":{"A":"2"}}' }));
      expect(third).toMatchObject({ status: 200, json: { data: { revision: 3 } } });
      expect(h().preparer.prepared).toBe(prepared);
      const fourth = await put(upload({ name: 'up', manifest: '{"limits":{"memory_bytes":2097152}}' }));
      expect(fourth).toMatchObject({ json: { data: { revision: 4, digest: computeDigest(Buffer.from('wasm 2')) } } });
      expect(h().preparer.prepared).toBe(prepared + 1);

      expect(await put(upload({ name: 'up' }))).toMatchObject({ status: 400 });
      expect(await put(upload({}, 'wasm'))).toMatchObject({ status: 400 });
      const body = upload({ name: 'x' }, 'wasm');
      expect(await h().request('PUT', '/v1/fn/_/none', { body })).toMatchObject({ status: 404 });
    });

    test('update renames; a taken name: 409', async () => {
      await create(h(), 'old');
      await create(h(), 'other');
      const body = () => upload({ name: 'new' }, 'wasm 1');
      expect(await h().request('PUT', '/v1/fn/_/old', { body: body() })).toMatchObject({
        status: 200,
        json: { data: { name: 'new', revision: 1 } },
      });
      expect(await h().request('GET', '/v1/fn/_/old')).toMatchObject({ status: 404 });
      expect(await h().request('PUT', '/v1/fn/_/other', { body: body() })).toMatchObject({ status: 409 });
    });

    test('revisions, rollback and code', async () => {
      await create(h(), 'rev', 'wasm a');
      await h().request('PUT', '/v1/fn/_/rev', { body: upload({ name: 'rev' }, 'wasm b') });
      const rolled = await h().request('POST', '/v1/fn/_/rev/rollback', { json: { revision: 1 } });
      expect(rolled).toMatchObject({ status: 200, json: { data: { revision: 1 } } });
      expect(h().controlPlane.catalog.find('_', 'rev')).toMatchObject({
        revision: 1,
        since: h().controlPlane.catalog.version,
      });
      expect((await h().request('GET', '/v1/fn/_/rev/revisions')).json).toMatchObject({
        data: [
          { revision: 2, current: false, digest: computeDigest(Buffer.from('wasm b')) },
          { revision: 1, current: true, digest: computeDigest(Buffer.from('wasm a')), created_by: 'admin' },
        ],
      });
      const code = await h().request('GET', '/v1/fn/_/rev/code');
      expect(code).toMatchObject({ status: 200, text: 'wasm a' });
      expect(code.headers.get('content-type')).toBe('application/wasm');
      expect(await h().request('GET', '/v1/fn/_/rev/code?revision=2')).toMatchObject({ text: 'wasm b' });

      const next = await h().request('PUT', '/v1/fn/_/rev', { body: upload({ name: 'rev' }, 'wasm c') });
      expect(next).toMatchObject({ json: { data: { revision: 3 } } });
      const rollback = (json: unknown) => h().request('POST', '/v1/fn/_/rev/rollback', { json });
      expect(await rollback({ revision: 9 })).toMatchObject({ status: 404 });
      expect(await rollback({ revision: 2 ** 31 - 1 })).toMatchObject({ status: 404 });
      expect(await rollback({ revision: 2 ** 31 })).toMatchObject({ status: 422 });
      expect(await rollback({ revision: 1, wait: true })).toMatchObject({ status: 422 });
      const codeOf = (revision: string) => h().request('GET', `/v1/fn/_/rev/code?revision=${revision}`);
      expect(await codeOf('2147483647')).toMatchObject({ status: 404 });
      for (const revision of ['2147483648', '0', '-1', '1e30']) {
        expect(await codeOf(revision)).toMatchObject({ status: 422 });
      }
      expect(await codeOf('x')).toMatchObject({ status: 400 });
      const accept = 'application/wasm';
      const wasm = await h().request('GET', '/v1/fn/_/rev/code', { headers: { accept } });
      expect(wasm).toMatchObject({ status: 200, text: 'wasm c' });
      expect(await rollback({ revision: 'x' })).toMatchObject({ status: 400 });
      expect(await h().request('GET', '/v1/fn/_/rev/code?revision=9')).toMatchObject({ status: 404 });
      expect(await h().request('GET', '/v1/fn/_/none/revisions')).toMatchObject({ status: 404 });
    });

    test('the oldest revisions are removed beyond 20, but not the current one', async () => {
      await create(h(), 'many', 'wasm 0');
      for (let n = 1; n <= 22; n += 1) {
        await h().request('PUT', '/v1/fn/_/many', { body: upload({ name: 'many' }, `wasm ${n} of many`) });
      }
      const { json } = await h().request('GET', '/v1/fn/_/many/revisions');
      const numbers = (json as { data: { revision: number }[] }).data.map(({ revision }) => revision);
      expect(numbers).toEqual(Array.from({ length: 20 }, (_, index) => 23 - index));
    });

    test('delete removes the function, and its code when no other function has it', async () => {
      await create(h(), 'gone', 'wasm only here');
      const bundle = h().controlPlane.catalog.find('_', 'gone')?.bundle ?? '';
      expect(await h().request('DELETE', '/v1/fn/_/gone')).toMatchObject({ status: 204, text: '' });
      expect(await h().request('GET', '/v1/fn/_/gone')).toMatchObject({ status: 404 });
      expect(await h().request('DELETE', '/v1/fn/_/gone')).toMatchObject({ status: 404 });
      expect(await createBundles(h().controlPlane.store).read(bundle)).toBeUndefined();
    });
  });
}
