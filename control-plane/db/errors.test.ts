/** Failures of a real database, as callers see them. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { violates } from './errors.ts';
import { openStore } from './open.ts';
import { modules } from './schema/catalog.ts';
import type { Orm, Store } from './store.ts';

let directory: string;
let store: Store;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'skerry-errors-'));
  store = await openStore({ driver: 'pglite', directory }, pino({ level: 'silent' }), async () => {});
});
afterAll(async () => {
  await store?.close();
  await rm(directory, { recursive: true, force: true });
});

const failureOf = (work: (orm: Orm) => Promise<unknown>): Promise<Error> =>
  store.change(work).then(
    () => new Error('it did not fail'),
    (error) => error as Error,
  );

test('no parameter of a failed statement gets into the message, the stack or the log', async () => {
  const payload = `payload-${randomUUID()}`;
  const error = await failureOf((orm) => orm.execute(sql`select ${payload}::text, 1 / (length(${payload}::text) * 0)`));
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  for (const err of [error, error.cause]) log.error({ err }, 'told');
  expect(`${error.message}${error.stack}${lines.join()}`).not.toContain(payload);
  expect(error).toMatchObject({ message: 'a statement failed: division by zero', code: '22012' });
  expect(lines.join()).toContain('division by zero');
});

test('a violated constraint is recognised by its name, in the transaction and after it', async () => {
  const broken: boolean[] = [];
  const error = await failureOf(async (orm) => {
    await orm.insert(modules).values({ name: 'twice' });
    await orm
      .insert(modules)
      .values({ name: 'twice' })
      .catch((within: unknown) => {
        broken.push(violates(within, 'modules_name_unique'));
        throw within;
      });
  });
  expect([...broken, violates(error, 'modules_name_unique')]).toEqual([true, true]);
  expect(violates(error, 'another')).toBe(false);
  expect(violates(error.cause, 'modules_name_unique')).toBe(false);
});
