/** Two agents that hold the same function: each listens for itself, and its events are its own. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { handlerComponent } from '../harness/fixtures.ts';
import { type Mosquitto, startMosquitto } from '../harness/mqtt/mosquitto.ts';
import { type Platform, startPlatform } from '../harness/platform.ts';

type Listed = { readonly data: { readonly invocations: readonly { readonly agent: string | null }[] } };

const agents = ['one', 'two'];
let broker: Mosquitto;
let platform: Platform;

beforeAll(async () => {
  broker = await startMosquitto();
  platform = await startPlatform();
  for (const name of agents) await platform.agent(name);
}, 60_000);
afterAll(async () => {
  await platform?.stop();
  await broker?.close();
});

async function start(fn: string, trigger: object) {
  await platform.api.upload('POST', '/v1/fn/_', fn, handlerComponent());
  const { status } = await platform.api.call('POST', `/v1/fn/_/${fn}/triggers`, trigger);
  expect(status).toBe(201);
  await platform.api.until(
    `/v1/fn/_/${fn}/triggers`,
    ({ data }: { data: { places: { state: string }[] }[] }) =>
      data[0]?.places.filter(({ state }) => state === 'up').length === agents.length,
    20_000,
  );
}

/** Outcomes by agent, once each agent has this number. */
async function outcomes(fn: string, count: number): Promise<number[]> {
  const byAgent = ({ data }: Listed) =>
    agents.map((name) => data.invocations.filter(({ agent }) => agent === name).length);
  const { body } = await platform.api.until(
    `/v1/invocations?function=_/${fn}&state=succeeded&limit=1000`,
    (listed: Listed) => byAgent(listed).every((ran) => ran >= count),
    30_000,
  );
  return byAgent(body as Listed);
}

test('the ticks of a schedule are delivered from both', async () => {
  await start('ticks', { type: 'schedule', params: { placement: 'edge', cron: '* * * * * *' } });
  const ran = await outcomes('ticks', 5);
  await platform.api.call('DELETE', '/v1/fn/_/ticks');
  expect(Math.min(...ran)).toBeGreaterThanOrEqual(5);
}, 60_000);

test('messages with ids of their own run on both, and both results are delivered', async () => {
  const params = { placement: 'edge', host: '127.0.0.1', port: broker.port, topic: 'both', message_id: 'id' };
  await start('messages', { type: 'mqtt', params });
  const publisher = await broker.client();
  // Each of them twice.
  for (let n = 0; n < 20; n += 1) await publisher.publishAsync('both', JSON.stringify({ id: n % 10 }), { qos: 1 });
  expect(await outcomes('messages', 10)).toEqual([10, 10]);
}, 60_000);
