/**
 * Two control planes on one database: one of them listens to each trigger, and the other takes over. And the database
 * fails.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { handlerComponent } from '../harness/fixtures.ts';
import { type Mosquitto, startMosquitto } from '../harness/mqtt/mosquitto.ts';
import { type Platform, startPlatform } from '../harness/platform.ts';
import { startPostgres, type TestPostgres } from '../harness/postgres.ts';

type Shown = { readonly data: readonly { readonly places: readonly { readonly state: string }[] }[] };

const path = '/v1/fn/_/f/triggers';
let postgres: TestPostgres;
let broker: Mosquitto;
let one: Platform;
let two: Platform;

beforeAll(async () => {
  [postgres, broker] = await Promise.all([startPostgres(), startMosquitto()]);
  const env = {
    DATABASE_URL: postgres.url,
    SKERRY_ADMIN_TOKEN: 'a'.repeat(40),
    SKERRY_SEALING_KEY: '0'.repeat(64),
    SKERRY_LEASE_MS: '1500',
  };
  one = await startPlatform(env);
  two = await startPlatform(env);
  for (const platform of [one, two]) await platform.agent(platform === one ? 'first' : 'second');
  await one.api.upload('POST', '/v1/fn/_', 'f', handlerComponent());
  const params = { host: '127.0.0.1', port: broker.port, topic: 'two', message_id: 'id' };
  const { status } = await one.api.call('POST', path, { type: 'mqtt', params });
  expect(status).toBe(201);
}, 60_000);
afterAll(async () => {
  await Promise.all([one?.stop(), two?.stop()]);
  await Promise.all([postgres?.close(), broker?.close()]);
}, 30_000);

/** The states that a control plane shows: none when the other one listens. */
const statesOf = async (platform: Platform) => {
  const { body } = await platform.api.call('GET', path);
  return (body as Shown).data.flatMap(({ places }) => places.map(({ state }) => state));
};
const publish = async (from: number, count: number) => {
  const client = await broker.client();
  const ids = Array.from({ length: count }, (_, at) => at + from);
  await Promise.all(ids.map((id) => client.publishAsync('two', JSON.stringify({ id }), { qos: 1 })));
};
const succeeded = async (platform: Platform, count: number) => {
  const { body } = await platform.api.until(
    '/v1/invocations?function=_/f&state=succeeded&limit=1000',
    ({ data }: { data: { invocations: unknown[] } }) => data.invocations.length >= count,
    30_000,
  );
  return (body as { data: { invocations: unknown[] } }).data.invocations;
};

test('one listens; when it is killed, the other one takes over where it was', async () => {
  await expect
    .poll(async () => [...(await statesOf(one)), ...(await statesOf(two))], { timeout: 15_000 })
    .toEqual(['up']);
  const [listening, other] = (await statesOf(one)).length > 0 ? [one, two] : [two, one];
  await publish(0, 100);
  expect(await succeeded(other, 100)).toHaveLength(100);
  await listening.controlPlane.stop('SIGKILL');
  await publish(100, 100);
  await expect.poll(() => statesOf(other), { timeout: 15_000 }).toEqual(['up']);
  expect(await succeeded(other, 200)).toHaveLength(200);
}, 60_000);

test('without the database, messages stay with the broker until it is back', async () => {
  const platform = one.controlPlane.child.exitCode === null && one.controlPlane.child.signalCode === null ? one : two;
  await postgres.stop();
  await publish(1_000, 50);
  await postgres.start();
  expect(await succeeded(platform, 250)).toHaveLength(250);
}, 60_000);
