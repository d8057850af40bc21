/** Asynchronous invocations and a control plane that dies: every accepted invocation runs. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { handlerComponent } from '../harness/fixtures.ts';
import { type Platform, startPlatform } from '../harness/platform.ts';

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({ SKERRY_DRAIN_MS: '500' });
  await platform.agent('box');
  await platform.api.upload('POST', '/v1/fn/_', 'handler', handlerComponent());
});
afterAll(() => platform?.stop());

const call = async (args: unknown): Promise<string> => {
  const { status, body } = await platform.api.call('POST', '/v1/fn/_/handler', { args }, { prefer: 'respond-async' });
  expect(status).toBe(202);
  return (body as { data: { id: string } }).data.id;
};
type Ended = { data: { state: string; attempts: number; output: unknown } };

test('killed while calls wait and run, several times: all of them end, each under its id', async () => {
  const ids: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    ids.push(...(await Promise.all(Array.from({ length: 40 }, (_, n) => call(round * 100 + n)))));
    await platform.restartControlPlane('SIGKILL');
  }
  for (const [at, id] of ids.entries()) {
    const path = `/v1/invocations/${id}`;
    const { body } = await platform.api.until(path, ({ data }: Ended) => data.state === 'succeeded', 40_000);
    expect((body as Ended).data.output).toMatchObject({ echo: Math.floor(at / 40) * 100 + (at % 40) });
  }
  const { body } = await platform.api.call('GET', '/v1/invocations?limit=1000');
  expect((body as { data: { invocations: unknown[] } }).data.invocations).toHaveLength(ids.length);
}, 120_000);

test('a failed invocation names its agent', async () => {
  const id = await call('fail');
  const { body } = await platform.api.until(`/v1/invocations/${id}`, ({ data }: Ended) => data.state === 'dead');
  expect((body as Ended).data).toMatchObject({ agent: 'box', error: { code: 'function_error' } });
});

test('stopped while a call runs: the call returns to the queue, and runs again', async () => {
  const id = await call('spin');
  await platform.api.until(`/v1/invocations/${id}`, ({ data }: Ended) => data.state === 'running');
  await platform.restartControlPlane('SIGTERM');
  await platform.api.until(`/v1/invocations/${id}`, ({ data }: Ended) => data.state === 'running', 50_000);
  const { status } = await platform.api.call('DELETE', `/v1/invocations/${id}`);
  expect(status).toBe(204);
  const { body } = await platform.api.call('GET', `/v1/invocations/${id}`);
  expect((body as Ended).data).toMatchObject({ state: 'cancelled', attempts: 0 });
}, 90_000);
