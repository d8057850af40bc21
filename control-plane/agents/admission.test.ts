/** Time in admission: join tokens expire, and last-seen times are written. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Harness, startHarness } from '../testing/harness.ts';

let h: Harness;
let now = new Date('2026-01-01T00:00:00Z');
beforeAll(async () => {
  h = await startHarness(undefined, {}, { now: () => now });
});
afterAll(() => h?.close());

const hello = (key: number, joinToken: string) => ({
  publicKey: new Uint8Array(32).fill(key),
  name: `agent-${key}`,
  labels: {},
  agentVersion: '0.1.0',
  joinToken,
});

test('a join token is valid until it expires; an expired one leaves the list a week later', async () => {
  const { agents } = h.controlPlane;
  const created = await h.request('POST', '/v1/agents/tokens', { json: { uses: 5, expires_in_seconds: 60 } });
  const { token, expires_at } = (created.json as { data: { token: string; expires_at: string } }).data;
  expect(expires_at).toBe('2026-01-01T00:01:00.000Z');
  now = new Date('2026-01-01T00:00:59Z');
  expect(await agents.admit(hello(1, token))).toMatchObject({ ok: true });
  now = new Date('2026-01-01T00:01:00Z');
  expect(await agents.admit(hello(2, token))).toMatchObject({ ok: false, close: 'join_refused' });
  expect(await agents.admit(hello(1, token))).toMatchObject({ ok: true, epoch: 2 });

  now = new Date('2026-01-09T00:00:00Z');
  await h.request('POST', '/v1/agents/tokens', { json: {} });
  const listed = (await h.request('GET', '/v1/agents/tokens')).json as { data: unknown[] };
  expect(listed.data).toHaveLength(1);
});

test('the last-seen time of an agent is written in the end', async () => {
  const { agents } = h.controlPlane;
  const { id } = await agents.get('agent-1');
  now = new Date('2026-01-09T12:00:00Z');
  agents.seen(id, 6);
  agents.seen(id, 7);
  agents.seen('00000000-0000-4000-8000-000000000000', 1);
  await agents.close();
  expect(await agents.get('agent-1')).toMatchObject({ applied: 7, lastSeenAt: now });
});
