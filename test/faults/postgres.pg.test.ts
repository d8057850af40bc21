/** The database fails under load, and returns: calls go on throughout; changes are refused and then work. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { handlerComponent } from '../harness/fixtures.ts';
import { type Platform, startPlatform } from '../harness/platform.ts';
import { startPostgres, type TestPostgres } from '../harness/postgres.ts';

let postgres: TestPostgres;
let platform: Platform;

beforeAll(async () => {
  postgres = await startPostgres();
  platform = await startPlatform({ DATABASE_URL: postgres.url });
  await platform.agent('box');
  const { status } = await platform.api.upload('POST', '/v1/fn/_', 'f', handlerComponent());
  expect(status).toBe(201);
});
afterAll(async () => {
  await platform?.stop();
  await postgres?.close();
});

/** Calls the function from four callers until stopped; resolves with the count of each status. */
function startLoad() {
  const statuses: Record<number, number> = {};
  let going = true;
  const caller = async () => {
    while (going) {
      const { status } = await platform.api.call('POST', '/v1/fn/_/f', { args: 1 });
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  };
  const callers = Promise.all(Array.from({ length: 4 }, caller));
  const total = () => Object.values(statuses).reduce((sum, count) => sum + count, 0);
  return {
    /** Resolves when this many more calls were answered. */
    async more(count: number) {
      const target = total() + count;
      await expect.poll(total, { timeout: 10_000, interval: 20 }).toBeGreaterThanOrEqual(target);
    },
    async stop() {
      going = false;
      await callers;
      return statuses;
    },
  };
}

const change = (name: string) => platform.api.call('POST', '/v1/fn', { module: { name } });

test('Postgres is stopped and started under load', async () => {
  const load = startLoad();
  await load.more(50);
  await postgres.stop();
  await load.more(200);
  const refused = await change('while-away');
  expect(refused.status).toBe(503);
  expect(refused.body).toMatchObject({ errors: { code: 'store_unavailable' } });
  expect((await platform.api.upload('POST', '/v1/fn/_', 'g', handlerComponent())).status).toBe(503);
  await load.more(50);

  await postgres.start();
  await expect.poll(async () => (await change('when-back')).status, { timeout: 15_000, interval: 100 }).toBe(201);
  await load.more(50);
  const statuses = await load.stop();
  expect(Object.keys(statuses)).toEqual(['200']);
  expect((await platform.api.call('GET', '/v1/fn/while-away')).status).toBe(404);
});

test('a control plane that starts without Postgres says so in one line', async () => {
  await platform.controlPlane.stop();
  await postgres.stop();
  await expect(platform.restartControlPlane()).rejects.toThrow(/ended first/);
  await postgres.start();
  await platform.restartControlPlane();
  const { body } = await platform.api.until(
    '/v1/agents/box',
    (answer: { data: { online: boolean } }) => answer.data.online,
  );
  expect(body).toMatchObject({ data: { name: 'box' } });
});
