/** Permissions that functions ask for and get, and their logs, over real HTTP. */
import { describe, expect, test } from 'vitest';
import { create, type Harness, upload } from '../../../control-plane/testing/harness.ts';

const line = { time: 1_700_000_000_000, invocation: 'i', revision: 1, source: 'stdout', text: 'hello' };

export function describeCapabilities(h: () => Harness): void {
  describe('capabilities', () => {
    const manifest = (value: object) => ({ manifest: JSON.stringify(value) });

    test('are stored, read back, and compared with the revision before', async () => {
      const capabilities = {
        http: ['api.example.com:443'],
        networks: ['lan'],
        directories: [{ host: '/srv/data', guest: '/data', mode: 'rw' }],
      };
      const created = await create(h(), 'wide', 'wasm 1', manifest({ capabilities, config: { unit: 'C' } }));
      expect(created).toMatchObject({
        status: 201,
        json: { data: { permissions: { added: expect.arrayContaining(['HTTP to api.example.com:443']) } } },
      });
      expect(await h().request('GET', '/v1/fn/_/wide')).toMatchObject({
        json: {
          data: { manifest: { capabilities }, permissions: { unused: expect.arrayContaining(['network lan']) } },
        },
      });
      const form = upload({ name: 'wide', ...manifest({ config: { unit: 'C' } }) });
      expect(await h().request('PUT', '/v1/fn/_/wide', { body: form })).toMatchObject({
        status: 200,
        json: {
          data: {
            permissions: {
              added: [],
              removed: ['HTTP to api.example.com:443', 'network lan', 'directory /srv/data as /data (rw)'],
            },
          },
        },
      });
      const rolledBack = await h().request('POST', '/v1/fn/_/wide/rollback', { json: { revision: 1 } });
      expect(rolledBack).toMatchObject({ json: { data: { permissions: { removed: [] } } } });
      expect(rolledBack).toMatchObject({
        json: { data: { permissions: { added: expect.arrayContaining(['network lan']) } } },
      });
    });

    test.each<[string, object, string]>([
      ['a URL in place of a host', { capabilities: { http: ['https://example.com'] } }, 'capabilities.http.0'],
      ['an unknown network', { capabilities: { networks: ['mars'] } }, 'capabilities.networks.0'],
      [
        'a directory path that leads out',
        { capabilities: { directories: [{ host: '/a/../b', guest: '/x' }] } },
        'capabilities.directories.0.host',
      ],
      ['a limit below its range', { limits: { concurrency: 0 } }, 'limits.concurrency'],
      ['an unknown key', { capabilities: { tcp: [] } }, 'capabilities'],
    ])('%s: 422 with the field', async (_, value, field) => {
      const answer = await create(h(), 'never', 'wasm 1', manifest(value));
      expect(answer).toMatchObject({
        status: 422,
        json: { errors: { code: 'validation_failed', fields: { manifest: [expect.stringContaining(field)] } } },
      });
    });
  });

  describe('logs', () => {
    test('have their agents, and name the agents that did not answer', async () => {
      await create(h(), 'wordy');
      h().hub.logsAnswer = {
        lines: [
          { ...line, agent: 'pi' },
          { ...line, agent: 'pi', time: Number.MAX_SAFE_INTEGER },
        ],
        missing: ['slow'],
      };
      const answer = await h().request('GET', '/v1/fn/_/wordy/logs?limit=5');
      expect(answer).toMatchObject({
        status: 200,
        json: {
          data: {
            lines: [
              { ...line, agent: 'pi', time: '2023-11-14T22:13:20.000Z' },
              { time: '+275760-09-13T00:00:00.000Z' },
            ],
            missing: ['slow'],
          },
        },
      });
      const id = h().controlPlane.catalog.find('_', 'wordy')?.id;
      await h().request('GET', '/v1/fn/_/wordy/logs');
      expect(h().hub.asked.slice(-2)).toEqual([
        { functionId: id, limit: 5 },
        { functionId: id, limit: 100 },
      ]);
    });

    test.each([
      ['/v1/fn/_/nothing/logs', 404],
      ['/v1/fn/_/wordy/logs?limit=0', 422],
      ['/v1/fn/_/wordy/logs?limit=1001', 422],
      ['/v1/fn/_/wordy/logs?limit=1.5', 400],
    ])('%s: %i', async (path, status) => {
      expect((await h().request('GET', path)).status).toBe(status);
    });
  });
}
