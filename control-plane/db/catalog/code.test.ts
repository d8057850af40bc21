import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { PGlite } from '@electric-sql/pglite';
import { drizzle } from 'drizzle-orm/pglite';
import { migrate } from 'drizzle-orm/pglite/migrator';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readCode, writeCode } from './code.ts';

const migrations = new URL('../migrations/', import.meta.url);
let client: PGlite;

beforeEach(async () => {
  client = await PGlite.create();
});
afterEach(() => client.close());

async function migrated() {
  const orm = drizzle({ client });
  await migrate(orm, { migrationsFolder: migrations.pathname });
  return orm;
}

test.each([0, 1, 256 * 1024, 256 * 1024 + 1, 600_000])('%d bytes are read back unchanged', async (size) => {
  const orm = await migrated();
  const bytes = randomBytes(size);
  await writeCode(orm, 'bundle', 'd', bytes);
  await writeCode(orm, 'bundle', 'd', Buffer.from('code with the same digest is the same code'));
  expect(Buffer.compare((await readCode(orm, 'bundle', 'd')) ?? Buffer.from('none'), bytes)).toBe(0);
  expect(await readCode(orm, 'component', 'd')).toBeUndefined();
});

test('storing and reading 8 MB blocks nothing for long', async () => {
  const orm = await migrated();
  const bytes = randomBytes(8 * 1024 * 1024);
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  await orm.transaction((transaction) => writeCode(transaction, 'component', 'd', bytes));
  await readCode(orm, 'component', 'd');
  clearInterval(timer);
  // In one statement it takes more than a second; in parts, less than 50 ms on an idle machine.
  expect(longest).toBeLessThan(500);
});

test('code from before there were parts is still readable', async () => {
  const [first, second] = ['0000_spine.sql', '0001_code_in_parts.sql'].map((name) =>
    readFile(new URL(name, migrations), 'utf8'),
  );
  const old = { short: randomBytes(10), long: randomBytes(600_000), none: Buffer.alloc(0) };
  await client.exec((await first) ?? '');
  for (const table of ['components', 'bundles']) {
    for (const [digest, bytes] of Object.entries(old)) {
      await client.query(`insert into ${table} values ($1, $2)`, [digest, bytes]);
    }
  }
  await client.exec((await second) ?? '');
  const orm = drizzle({ client });
  for (const kind of ['component', 'bundle'] as const) {
    for (const [digest, bytes] of Object.entries(old)) {
      expect(Buffer.compare((await readCode(orm, kind, digest)) ?? Buffer.from('none'), bytes)).toBe(0);
    }
  }
});
