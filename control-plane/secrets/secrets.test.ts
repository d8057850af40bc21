/** Secrets while another control plane makes changes. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { create, type Harness, startHarness } from '../testing/harness.ts';

let h: Harness;
beforeAll(async () => {
  h = await startHarness();
});
afterAll(() => h?.close());

test('a secret is not removed while it is used by a binding that this catalog does not know', async () => {
  await create(h, 'user-of');
  await h.request('PUT', '/v1/secrets/shared', { json: { value: 'x' } });
  const spec = { type: 'mqtt', params: { host: 'broker', topic: 't', tls: { cert: 'c', key_secret: 'shared' } } };
  const id = h.controlPlane.catalog.find('_', 'user-of')?.id;
  // As another control plane does it, before this one has learned of it.
  const [row] = await h.controlPlane.store.execute(
    'insert into triggers (function_id, spec) values ($1, $2::jsonb) returning id',
    [id, JSON.stringify(spec)],
  );
  expect(await h.request('DELETE', '/v1/secrets/shared')).toMatchObject({
    status: 409,
    json: { errors: { message: 'The secret is used by a mqtt of _/user-of' } },
  });
  expect((await h.request('GET', '/v1/secrets')).text).toContain('shared');
  await h.controlPlane.store.execute('delete from triggers where id = $1', [row?.id]);
  expect(await h.request('DELETE', '/v1/secrets/shared')).toMatchObject({ status: 204 });
  expect(await h.request('DELETE', '/v1/secrets/shared')).toMatchObject({ status: 404 });
});
