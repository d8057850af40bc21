/** The cost of lists of invocations where there are many. */
import pino from 'pino';
import { expect, inject, onTestFinished, test } from 'vitest';
import { createDatabase, toRows } from '../../testing/postgres.ts';
import { openStore } from '../open.ts';
import { listInvocations } from './invocation-reading.ts';

test('invocations of a rare function are found by an index, newest first, a page at a time', async () => {
  const url = await createDatabase(inject('postgresUrl'));
  const store = await openStore({ driver: 'pg', url }, pino({ level: 'silent' }), async () => {});
  onTestFinished(() => store.close());
  await toRows(
    url,
    `insert into invocations (id, function_id, module, name, origin, state, created_at)
      select gen_random_uuid(), gen_random_uuid(), '_', case when n % 10000 = 1 then 'rare' else 'busy' end, 'api',
        'succeeded', now() from generate_series(1, 30000) n`,
  );
  await toRows(url, 'analyze invocations');
  const list = (after?: number) =>
    store.read((orm) => listInvocations(orm, { module: '_', name: 'rare', after, limit: 2 }));
  const first = await list();
  const rest = await list(first.at(-1)?.seq);
  const seqs = [...first, ...rest].map(({ seq }) => seq);
  expect(seqs).toHaveLength(3);
  expect(seqs).toEqual(seqs.toSorted((a, b) => b - a));
  // Postgres reports index usage when a connection has been idle for a while.
  const scans = () =>
    toRows(
      url,
      `select indexrelname as index, idx_tup_read::int as read from pg_stat_user_indexes
        where relname = 'invocations' and idx_scan > 0`,
    );
  await expect
    .poll(scans, { timeout: 20_000, interval: 200 })
    .toEqual([{ index: 'invocations_function_index', read: 3 }]);
}, 40_000);
