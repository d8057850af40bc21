import { afterAll, expect, inject, test } from 'vitest';
import { describeRest } from '../test/contracts/rest/rest.contract.ts';
import { createDatabase, createWebSocketProxy } from './testing/postgres.ts';

const proxy = await createWebSocketProxy(inject('postgresUrl'));
afterAll(() => proxy.close());

describeRest("REST through Neon's driver", async () => ({
  driver: 'neon',
  url: await createDatabase(inject('postgresUrl')),
  proxy: proxy.address,
}));

test('the connections came over WebSocket', () => {
  expect(proxy.connections()).toBeGreaterThan(0);
});
