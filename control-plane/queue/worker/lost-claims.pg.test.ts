/** Claims that the database has committed, and whose answer never came. */

import { SkerryError } from '@skerry/shared/errors.ts';
import { expect, inject, test, vi } from 'vitest';
import { seedAdmin } from '../../access/admin-token.ts';
import { openStore } from '../../db/open.ts';
import type { Store } from '../../db/store.ts';
import { createLog } from '../../log/log.ts';
import { adminToken, create, startHarness } from '../../testing/harness.ts';
import { createDatabase } from '../../testing/postgres.ts';

/** Whether a transaction returned several claimed invocations. */
const isClaim = (result: unknown): boolean =>
  Array.isArray(result) && result.length > 1 && result.every((row) => typeof row === 'object' && 'attempts' in row);

test('the events of a claim whose answer was lost run at once, in their order, and before newer ones', async () => {
  const settings = { driver: 'pg', url: await createDatabase(inject('postgresUrl')) } as const;
  const seed = { dataDirectory: '.', configured: adminToken };
  const inner = await openStore(settings, createLog('silent'), (orm) => seedAdmin(orm, seed));
  let lost = 0;
  const store: Store = {
    ...inner,
    async change(work) {
      const result = await inner.change(work);
      if (lost > 0 || !isClaim(result)) return result;
      lost += 1;
      throw new SkerryError('store_unavailable', 'the connection broke after the commit');
    },
  };
  const h = await startHarness(settings, {}, { store });
  try {
    await create(h, 'f');
    const spec = { type: 'mqtt', params: { host: 'broker', topic: 't', concurrency: 1, placement: 'edge' } };
    const { json } = await h.request('POST', '/v1/fn/_/f/triggers', { json: spec });
    const triggerId = (json as { data: { id: string } }).data.id;
    const begun: string[] = [];
    h.invoker.behave = async ({ input }) => {
      begun.push(Buffer.from(input).toString());
      return input;
    };
    const { catalog, invocations } = h.controlPlane;
    const fn = catalog.find('_', 'f');
    if (!fn) throw new Error('there is no function');
    const event = (input: string) =>
      ({ function: fn, input: Buffer.from(input), origin: 'mqtt', createdAt: new Date(), triggerId }) as const;
    await invocations.enqueue(['1', '2', '3'].map(event));
    await vi.waitFor(() => expect(lost).toBe(1), { timeout: 10_000, interval: 5 });
    await invocations.enqueue([event('4')]);
    await vi.waitFor(() => expect(begun).toEqual(['1', '2', '3', '4']), { timeout: 10_000, interval: 20 });
  } finally {
    await h.close();
    await inner.close();
  }
}, 30_000);
