/** Subjects and their roles, over real HTTP. */
import { describe, expect, test } from 'vitest';
import { type Harness, problem } from '../../../control-plane/testing/harness.ts';

export function describeSubjects(h: () => Harness): void {
  describe('subjects', () => {
    test('create shows the token once; role user may not administer; rotate and remove end tokens', async () => {
      const created = await h().request('POST', '/v1/admin/subjects', { json: { subject: { name: 'ada' } } });
      expect(created.status).toBe(201);
      const { token, ...rest } = (created.json as { data: { token: string } }).data;
      expect(rest).toEqual({ name: 'ada', role: 'user', created_at: expect.any(String) });
      expect(token).toMatch(/^sk_[\w-]{43}$/);
      const list = await h().request('GET', '/v1/admin/subjects');
      expect(list.json).toMatchObject({ data: [{ name: 'ada' }, { name: 'admin', role: 'admin' }] });
      expect(list.text).not.toContain('token');

      expect(await h().request('GET', '/v1/fn', { token })).toMatchObject({ status: 200 });
      for (const [method, path] of [
        ['GET', '/v1/admin/subjects'],
        ['POST', '/v1/agents/tokens'],
        ['DELETE', '/v1/agents/x'],
      ] as const) {
        const answer = await h().request(method, path, { token });
        expect(answer).toMatchObject({ status: 403, json: problem('forbidden', 'Forbidden') });
      }

      const rotated = await h().request('POST', '/v1/admin/subjects/ada/rotate');
      const { token: newToken } = (rotated.json as { data: { token: string } }).data;
      expect(await h().request('GET', '/v1/fn', { token })).toMatchObject({ status: 401 });
      expect(await h().request('GET', '/v1/fn', { token: newToken })).toMatchObject({ status: 200 });

      expect(await h().request('DELETE', '/v1/admin/subjects/ada')).toMatchObject({ status: 204 });
      expect(await h().request('GET', '/v1/fn', { token: newToken })).toMatchObject({ status: 401 });
      expect(await h().request('DELETE', '/v1/admin/subjects/ada')).toMatchObject({ status: 404 });
      expect(await h().request('POST', '/v1/admin/subjects/ada/rotate')).toMatchObject({ status: 404 });
    });

    test('an admin can be created; the last admin stays; there is no guest', async () => {
      const json = { subject: { name: 'root', role: 'admin' } };
      const { token } = (
        (await h().request('POST', '/v1/admin/subjects', { json })).json as { data: { token: string } }
      ).data;
      expect(await h().request('GET', '/v1/admin/subjects', { token })).toMatchObject({ status: 200 });
      expect(await h().request('DELETE', '/v1/admin/subjects/root', { token })).toMatchObject({ status: 204 });
      expect(await h().request('DELETE', '/v1/admin/subjects/admin')).toMatchObject({ status: 409 });
      expect((await h().request('GET', '/v1/admin/subjects')).text).not.toContain('guest');
    });

    test.each([
      ['no subject', {}, 400],
      ['no name', { subject: {} }, 400],
      ['an unknown role', { subject: { name: 'x', role: 'king' } }, 422],
      ['an empty name', { subject: { name: '' } }, 422],
      ['an invalid name', { subject: { name: 'a/b' } }, 422],
      ['a taken name', { subject: { name: 'admin' } }, 422],
    ])('%s', async (_, json, status) => {
      expect(await h().request('POST', '/v1/admin/subjects', { json })).toMatchObject({ status });
    });
  });
}
