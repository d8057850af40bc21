import pg from 'pg';
import { expect, inject, test } from 'vitest';

test('a real Postgres answers at the provided URL', async () => {
  const client = new pg.Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  try {
    const { rows } = await client.query<{ major: number }>(
      "select current_setting('server_version_num')::int / 10000 as major",
    );
    expect(rows[0]?.major).toBeGreaterThanOrEqual(15);
  } finally {
    await client.end();
  }
});
