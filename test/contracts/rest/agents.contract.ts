/** Join tokens, admission, and agents as the API shows them; over real HTTP. */
import { describe, expect, test } from 'vitest';
import { create, type Harness } from '../../../control-plane/testing/harness.ts';

export function describeAgents(h: () => Harness): void {
  describe('agents', () => {
    const hello = (key: number, name: string, joinToken?: string) => ({
      publicKey: new Uint8Array(32).fill(key),
      name,
      labels: { site: 'a' },
      agentVersion: '0.1.0',
      joinToken,
    });
    const joinToken = async (json: unknown) => {
      const answer = await h().request('POST', '/v1/agents/tokens', { json });
      expect(answer.status).toBe(201);
      return (answer.json as { data: { id: string; token: string } }).data;
    };

    test('a join token enrols as many agents as it has uses, and a refusal costs no use', async () => {
      const { agents } = h().controlPlane;
      const { token } = await joinToken({ uses: 2, labels: { fleet: 'x' } });
      expect(token).toMatch(/^sj_[\w-]{43}$/);
      expect(await agents.admit(hello(1, 'one'))).toMatchObject({ ok: false, close: 'join_refused' });
      expect(await agents.admit(hello(1, 'one', 'sj_wrong'))).toMatchObject({ ok: false, close: 'join_refused' });
      const first = await agents.admit(hello(1, 'one', token));
      expect(first).toMatchObject({ ok: true, name: 'one', epoch: 1, labels: { site: 'a', fleet: 'x' } });
      expect(await agents.admit(hello(2, 'one', token))).toMatchObject({ ok: false, close: 'name_taken' });
      expect(await agents.admit(hello(2, 'two', token))).toMatchObject({ ok: true, epoch: 1 });
      expect(await agents.admit(hello(3, 'three', token))).toMatchObject({ ok: false, close: 'join_refused' });
      const again = await agents.admit({ ...hello(1, 'uno'), labels: { site: 'b' } });
      expect(again).toMatchObject({ ok: true, name: 'uno', epoch: 2, labels: { site: 'b', fleet: 'x' } });
      expect(await agents.admit(hello(2, 'uno'))).toMatchObject({ ok: false, close: 'name_taken' });
    });

    test('one new key at two places at once enrols one agent', async () => {
      // Several times, since the race is a matter of microseconds.
      for (let key = 100; key < 110; key++) {
        const { token } = await joinToken({ uses: 2 });
        const both = await Promise.all(
          [key, key].map((same) => h().controlPlane.agents.admit(hello(same, `both-${same}`, token))),
        );
        expect(both).toMatchObject([{ ok: true }, { ok: true }]);
        expect(new Set(both.map((admission) => admission.ok && admission.agentId)).size).toBe(1);
        expect(new Set(both.map((admission) => admission.ok && admission.epoch))).toEqual(new Set([1, 2]));
      }
    });

    test('join tokens are listed without the token, can be revoked, and expire', async () => {
      const { id, token } = await joinToken({});
      const list = await h().request('GET', '/v1/agents/tokens');
      expect(list.json).toMatchObject({
        data: expect.arrayContaining([expect.objectContaining({ id, uses: 1, uses_left: 1, created_by: 'admin' })]),
      });
      expect(list.text).not.toContain(token);
      expect(await h().request('DELETE', `/v1/agents/tokens/${id}`)).toMatchObject({ status: 204 });
      expect(await h().request('DELETE', `/v1/agents/tokens/${id}`)).toMatchObject({ status: 404 });
      expect(await h().controlPlane.agents.admit(hello(5, 'late', token))).toMatchObject({ close: 'join_refused' });
      expect(await h().request('DELETE', '/v1/agents/tokens/x')).toMatchObject({ status: 404 });
      for (const [json, status] of [
        [{ uses: 0 }, 422],
        [{ uses: 'x' }, 400],
        [{ expires_in_seconds: 0 }, 422],
        [{ labels: { 'a b': 'x' } }, 422],
        [{ labels: ['x'] }, 400],
        [{ labels: { a: 'x\0' } }, 422],
        [{ labels: { a: '\ud800' } }, 422],
        [{ expires_in_seconds: 60 * 86_400 }, 422],
        [{ use: 1 }, 422],
      ] as const) {
        expect(await h().request('POST', '/v1/agents/tokens', { json })).toMatchObject({ status });
      }
    });

    test('an invalid request for a join token names its faults', async () => {
      const late = await h().request('POST', '/v1/agents/tokens', { json: { expires_in_seconds: 60 * 86_400 } });
      expect(late.json).toMatchObject({
        errors: { fields: { expires_in_seconds: ['must be from 1 to 2592000 (30 days)'] } },
      });
      const unknown = await h().request('POST', '/v1/agents/tokens', { json: { use: 1, label: {} } });
      expect(unknown.json).toMatchObject({
        errors: { use: ['is not a field of this request'], label: ['is not a field of this request'] },
      });
    });

    test("labels of the join token override the agent's own labels, also later", async () => {
      const { token } = await joinToken({ labels: { site: 'granted' } });
      const { agents } = h().controlPlane;
      expect(await agents.admit(hello(9, 'nine', token))).toMatchObject({ labels: { site: 'granted' } });
      const again = await agents.admit({ ...hello(9, 'nine'), labels: { site: 'mine', room: '1' } });
      expect(again).toMatchObject({ ok: true, labels: { site: 'granted', room: '1' } });
      expect(await agents.get('nine')).toMatchObject({ labels: { site: 'granted', room: '1' } });
    });

    test('the name "tokens" is refused, also for a known agent, and costs no use of a join token', async () => {
      const { token } = await joinToken({});
      const { agents } = h().controlPlane;
      const refused = { ok: false, close: 'name_taken', message: expect.stringContaining('reserved') };
      expect(await agents.admit(hello(10, 'tokens', token))).toMatchObject(refused);
      expect(await agents.admit(hello(10, 'ten', token))).toMatchObject({ ok: true });
      expect(await agents.admit(hello(10, 'tokens'))).toMatchObject(refused);
    });

    test("text that the database cannot store is the sender's fault", async () => {
      const { token } = await joinToken({});
      const admission = h().controlPlane.agents.admit({ ...hello(11, 'eleven', token), agentVersion: '\0' });
      await expect(admission).rejects.toMatchObject({ code: 'validation_failed' });
      expect(await h().controlPlane.agents.admit(hello(11, 'eleven', token))).toMatchObject({ ok: true });
    });

    test('agents are listed and shown, online or not, and can be revoked', async () => {
      const { token } = await joinToken({});
      const admission = await h().controlPlane.agents.admit(hello(6, 'six', token));
      const id = admission.ok ? admission.agentId : '';
      const offline = await h().request('GET', '/v1/agents/six');
      expect(offline.json).toEqual({
        data: {
          id,
          name: 'six',
          labels: { site: 'a' },
          version: '0.1.0',
          online: false,
          online_since: null,
          draining: false,
          outbox: null,
          memory_available_bytes: null,
          memory_total_bytes: null,
          running: null,
          generation: { desired: null, applied: 0 },
          created_at: expect.any(String),
          last_seen_at: expect.any(String),
        },
      });
      h().hub.states.set(id, {
        id,
        online: true,
        onlineSince: new Date('2026-01-01T00:00:00Z'),
        version: '0.1.0',
        memoryAvailable: 10,
        memoryTotal: 20,
        running: 1,
        desired: 7,
        applied: 6,
        draining: false,
        outbox: { events: 1, outcomes: 2, bytes: 3, limitBytes: 4, dropped: 5, damaged: 6 },
      });
      expect((await h().request('GET', `/v1/agents/${id}`)).json).toMatchObject({
        data: {
          online: true,
          online_since: '2026-01-01T00:00:00.000Z',
          outbox: { events: 1, outcomes: 2, bytes: 3, limit_bytes: 4, dropped: 5, damaged: 6 },
          memory_available_bytes: 10,
          memory_total_bytes: 20,
          running: 1,
          generation: { desired: 7, applied: 6 },
        },
      });
      expect((await h().request('GET', '/v1/agents')).json).toMatchObject({
        data: expect.arrayContaining([expect.objectContaining({ id, online: true })]),
      });

      expect(await h().request('DELETE', '/v1/agents/six')).toMatchObject({ status: 204 });
      expect(h().hub.revoked).toEqual([id]);
      expect(await h().request('GET', `/v1/agents/${id}`)).toMatchObject({ status: 404 });
      expect(await h().request('DELETE', '/v1/agents/six')).toMatchObject({ status: 404 });
      const { token: another } = await joinToken({});
      expect(await h().controlPlane.agents.admit(hello(6, 'six', another))).toMatchObject({ close: 'revoked' });
      expect(await h().controlPlane.agents.admit(hello(7, 'six', another))).toMatchObject({ ok: true, name: 'six' });
    });

    test('a function names its offline agents', async () => {
      const { token } = await joinToken({});
      const admission = await h().controlPlane.agents.admit({ ...hello(8, 'away', token), labels: { zone: 'z' } });
      const id = admission.ok ? admission.agentId : '';
      await create(h(), 'placed', 'wasm 1', { manifest: '{"placement":{"labels":{"zone":"z"}}}' });
      expect((await h().request('GET', '/v1/fn/_/placed')).json).toMatchObject({
        data: { agents: [{ id, name: 'away', online: false, holds: false }] },
      });

      // The agent learned of the revision, and may have reported an error for it. An offline agent cannot say.
      h().controlPlane.agents.seen(id, h().controlPlane.catalog.version);
      await h().controlPlane.agents.close();
      expect((await h().request('GET', '/v1/fn/_/placed')).json).toMatchObject({
        data: { agents: [{ id, name: 'away', online: false, holds: null }] },
      });
    });
  });
}
