/** Which triggers are remembered when they go. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sweepInvocations } from '../../queue/worker/sweep.ts';
import { create, type Harness, startHarness } from '../../testing/harness.ts';

let h: Harness;
beforeAll(async () => {
  h = await startHarness();
});
afterAll(() => h.close());

const rows = (query: string) => h.controlPlane.store.execute(query, undefined);
const spec = (placement: string, topic = 't') => ({ type: 'mqtt', params: { host: 'broker', topic, placement } });

let topics = 0;
async function add(module: string, name: string, placement: string): Promise<string> {
  topics += 1;
  const json = spec(placement, `topic-${topics}`);
  const made = await h.request('POST', `/v1/fn/${module}/${name}/triggers`, { json });
  expect(made.status).toBe(201);
  return (made.json as { data: { id: string } }).data.id;
}

test('those of devices are, however they go, and as long as ended invocations', async () => {
  await h.request('POST', '/v1/fn', { json: { module: { name: 'gone' } } });
  await create(h, 'stays');
  await create(h, 'ends');
  await create(h, 'within', 'wasm 1', {}, 'gone');
  const removed = await add('_', 'stays', 'edge');
  const moved = await add('_', 'stays', 'edge');
  const kept = await add('_', 'stays', 'edge');
  const cloud = await add('_', 'ends', 'cloud');
  const ofFunction = await add('_', 'ends', 'edge');
  const ofModule = await add('gone', 'within', 'edge');
  for (const [method, path, json] of [
    ['DELETE', `/v1/fn/_/stays/triggers/${removed}`, undefined],
    ['PUT', `/v1/fn/_/stays/triggers/${moved}`, spec('cloud')],
    ['PUT', `/v1/fn/_/stays/triggers/${kept}`, spec('edge')],
    ['DELETE', `/v1/fn/_/stays/triggers/${moved}`, undefined],
    ['DELETE', '/v1/fn/_/ends', undefined],
    ['DELETE', '/v1/fn/gone', undefined],
  ] as const) {
    const { status, text } = await h.request(method, path, { json });
    expect(status, text).toBeLessThan(300);
  }
  const former = await rows('select id, module, name from former_triggers');
  expect(new Map(former.map(({ id, module, name }) => [id, `${module}/${name}`]))).toEqual(
    new Map([
      [removed, '_/stays'],
      [moved, '_/stays'],
      [ofFunction, '_/ends'],
      [ofModule, 'gone/within'],
    ]),
  );
  expect(former.map(({ id }) => id)).not.toContain(cloud);
  const options = { store: h.controlPlane.store, boss: { insert: async () => {} }, retentionMs: 3_600_000 };
  await rows(`update former_triggers set ended_at = now() - interval '2 hours' where id = '${removed}'`);
  await sweepInvocations(options);
  expect(await rows('select 1 from former_triggers')).toHaveLength(3);
});
