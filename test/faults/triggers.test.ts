/** Triggers over the whole platform: a real broker, a control plane and agents as processes. */
import type { MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { handlerComponent } from '../harness/fixtures.ts';
import { type Mosquitto, startMosquitto } from '../harness/mqtt/mosquitto.ts';
import { type Platform, startPlatform, type TestAgent } from '../harness/platform.ts';

type Place = { readonly agent: string | null; readonly state: string; readonly error?: string };
type Trigger = {
  readonly id: string;
  readonly received: number;
  readonly run: number;
  readonly failed: number;
  readonly dropped: number;
  readonly last_message_at?: string;
  readonly places: readonly (Place & Record<'received' | 'run' | 'failed' | 'dropped' | 'pending', number>)[];
};
type Invocation = { readonly id: string; readonly state: string; readonly agent: string | null };

let broker: Mosquitto;
let platform: Platform;
let agent: TestAgent;
let publisher: MqttClient;
let fn = '';
let topic = '';

beforeAll(async () => {
  broker = await startMosquitto();
  platform = await startPlatform();
  agent = await platform.agent('box');
  publisher = await broker.client();
});
afterAll(async () => {
  await platform?.stop();
  await broker?.close();
});
beforeEach(async () => {
  fn = `f${crypto.randomUUID().slice(0, 8)}`;
  topic = `test/${fn}`;
  const { status } = await platform.api.upload('POST', '/v1/fn/_', fn, handlerComponent());
  expect(status).toBe(201);
});
afterEach(() => platform.api.call('DELETE', `/v1/fn/_/${fn}`));

const path = () => `/v1/fn/_/${fn}/triggers`;

async function trigger(params: Record<string, unknown>, type = 'mqtt'): Promise<string> {
  const at = type === 'mqtt' ? { host: '127.0.0.1', port: broker.port, topic } : {};
  const { status, body } = await platform.api.call('POST', path(), { type, params: { ...at, ...params } });
  expect(body).toMatchObject({ data: {} });
  expect(status).toBe(201);
  return (body as { data: Trigger }).data.id;
}

async function until(fits: (trigger: Trigger) => boolean, timeoutMs = 20_000): Promise<Trigger> {
  const { body } = await platform.api.until(
    path(),
    ({ data }: { data: Trigger[] }) => data.length === 1 && data.every(fits),
    timeoutMs,
  );
  const [found] = (body as { data: Trigger[] }).data;
  if (!found) throw new Error('no trigger');
  return found;
}

const isUp = ({ places }: Trigger) => places.length > 0 && places.every(({ state }) => state === 'up');

type Listed = { readonly data: { readonly invocations: readonly Invocation[] } };

/** Waits for this number of invocations in a state, and returns all. */
async function invocations(state: string, count: number, timeoutMs = 30_000): Promise<readonly Invocation[]> {
  const { body } = await platform.api.until(
    `/v1/invocations?function=_/${fn}&limit=1000`,
    ({ data }: Listed) => data.invocations.filter((one) => one.state === state).length >= count,
    timeoutMs,
  );
  return (body as Listed).data.invocations;
}

const publish = (payload: unknown) => publisher.publishAsync(topic, JSON.stringify(payload), { qos: 1 });
const count = (n: number) => Array.from({ length: n }, (_, at) => at);

describe.each(['cloud', 'edge'] as const)('with placement %s', (placement) => {
  test('each message runs the function once', async () => {
    await trigger({ placement });
    await until(isUp);
    for (const n of count(20)) await publish({ n });
    expect(await invocations('succeeded', 20)).toHaveLength(20);
    const { run, failed, places } = await until(
      (state) => state.run === 20 && state.places.every(({ pending }) => pending === 0),
    );
    expect({ run, failed }).toEqual({ run: 20, failed: 0 });
    expect(places).toMatchObject([{ agent: placement === 'edge' ? 'box' : null, state: 'up', pending: 0 }]);
  });

  test('messages with the same id are one invocation', async () => {
    await trigger({ placement, message_id: 'id' });
    await until(isUp);
    for (const id of ['a', 'b', 'a', 'a', 'c']) await publish({ id });
    await until(({ places }) => places.every(({ received }) => received === 5));
    expect(await invocations('succeeded', 3)).toHaveLength(3);
  });

  test('a payload that is not JSON is counted, and becomes a dead letter on request', async () => {
    await trigger({ placement, dead_letter: true });
    await until(isUp);
    await publisher.publishAsync(topic, 'not JSON', { qos: 1 });
    const [letter] = await invocations('dead', 1);
    const { body } = await platform.api.call('GET', `/v1/invocations/${letter?.id}`);
    expect(JSON.stringify(body)).toContain('event_invalid');
    await until(({ places }) => places.every(({ dropped }) => dropped === 1));
    // It never ran: it counts as dropped, and as nothing else.
    const { places, ...totals } = await until(({ dropped }) => dropped === 1);
    for (const counts of [totals, ...places]) {
      expect(counts).toMatchObject({ received: 1, run: 0, failed: 0, dropped: 1 });
    }
  });

  test('without dead letters it is counted all the same', async () => {
    await trigger({ placement });
    await until(isUp);
    await publisher.publishAsync(topic, 'not JSON', { qos: 1 });
    const told = await until(({ received, dropped }) => received === 1 && dropped === 1);
    expect(told).toMatchObject({ run: 0, failed: 0, last_message_at: expect.any(String) });
  });

  test('`failed` counts the events that ran and did not succeed in the end', async () => {
    await trigger({ placement });
    await until(isUp);
    for (const payload of ['fail', 1, 'fail']) await publish(payload);
    const counts = { received: 3, run: 3, failed: 2, dropped: 0 };
    const { places, ...totals } = await until(
      ({ run, places }) => run === 3 && places.every((place) => place.run === 3 && place.received === 3),
    );
    for (const of of [totals, ...places]) expect(of).toMatchObject(counts);
  });

  test('a slow function behind a fast topic: messages beyond the limit stay with the broker, and all run', async () => {
    await trigger({ placement, max_pending: 10 });
    await until(isUp);
    for (const _ of count(300)) void publish({ work: 10_000_000 });
    await until(({ places }) => places.some(({ state }) => state === 'holding'));
    expect(await invocations('succeeded', 300, 60_000)).toHaveLength(300);
  }, 90_000);

  test('drop_oldest: newer events take the place of older ones, which are counted', async () => {
    await trigger({ placement, max_pending: 10, when_full: 'drop_oldest' });
    await until(isUp);
    await Promise.all(count(300).map(publish));
    let dropped = 0;
    await until((state) => {
      dropped = state.places.reduce((sum, place) => sum + place.dropped, 0);
      return state.run + dropped === 300;
    }, 60_000);
    expect(dropped).toBeGreaterThan(0);
    const all = await invocations('succeeded', 300 - dropped);
    const run = all.filter(({ state }) => state === 'succeeded');
    expect(run).toHaveLength(300 - dropped);
    const details = await Promise.all(run.map(({ id }) => platform.api.call('GET', `/v1/invocations/${id}`)));
    const ran = details.map(({ body }) => (body as { data: { output: { echo: number } } }).data.output.echo);
    // Of the ten pending events some run, or are being recorded. Those cannot be dropped, so newer events are.
    expect(ran).toEqual(expect.arrayContaining(count(5).map((n) => 295 + n)));
  }, 90_000);

  test('a schedule ticks', async () => {
    await trigger({ placement, cron: '* * * * * *', args: { tick: true } }, 'schedule');
    expect((await invocations('succeeded', 2)).length).toBeGreaterThanOrEqual(2);
    const { places } = await until(({ run }) => run >= 2);
    expect(places).toMatchObject([{ state: 'up', next: expect.any(String) }]);
  });

  test('an absent broker is shown, and tried again', async () => {
    await trigger({ placement, port: 1 });
    const { places } = await until((state) => state.places.some(({ error }) => error !== undefined));
    expect(places).toMatchObject([{ state: 'failing', error: 'connection refused' }]);
  });

  test('a changed trigger listens to its new topic only; a removed one to none', async () => {
    const id = await trigger({ placement });
    await until(isUp);
    const params = { host: '127.0.0.1', port: broker.port, topic: `${topic}/new`, placement };
    expect((await platform.api.call('PUT', `${path()}/${id}`, { type: 'mqtt', params })).status).toBe(200);
    const newTopic = () => publisher.publishAsync(`${topic}/new`, '"new"', { qos: 1 });
    await expect
      .poll(
        async () => {
          await newTopic();
          return (await until(() => true)).places.map(({ received }) => received > 0);
        },
        { timeout: 15_000 },
      )
      .toEqual([true]);
    await publish('old');
    const received = (await until(() => true)).places[0]?.received ?? 0;
    await newTopic();
    await until(({ places: [place] }) => (place?.received ?? 0) > received);
    for (const one of await invocations('succeeded', 1)) {
      const { body } = await platform.api.call('GET', `/v1/invocations/${one.id}`);
      expect(JSON.stringify(body)).not.toContain('"old"');
    }
    expect((await platform.api.call('DELETE', `${path()}/${id}`)).status).toBeLessThan(300);
    await platform.api.until(path(), ({ data }: { data: unknown[] }) => data.length === 0);
  }, 40_000);
});

describe('on the device', () => {
  test('killed and started again, it loses nothing that the broker had', async () => {
    await trigger({ placement: 'edge', message_id: 'id' });
    await until(isUp);
    for (const id of count(100)) void publish({ id });
    await until(({ places }) => places.some(({ received }) => received > 10));
    await agent.stop('SIGKILL');
    await Promise.all(count(100).map((id) => publish({ id: id + 100 })));
    agent = await platform.agent('box');
    expect(await invocations('succeeded', 200, 60_000)).toHaveLength(200);
  }, 90_000);

  test('with no control plane it goes on, and its outcomes come home later', async () => {
    await trigger({ placement: 'edge' });
    await until(isUp);
    await platform.controlPlane.stop();
    await agent.stop();
    const again = platform.agent('box');
    await Promise.all(count(50).map(publish));
    await platform.restartControlPlane();
    agent = await again;
    expect(await invocations('succeeded', 50, 60_000)).toHaveLength(50);
  }, 90_000);
});

describe('in the cloud', () => {
  test("the metrics have the trigger's state", async () => {
    const id = await trigger({ placement: 'cloud', payload: 'json' });
    await until(isUp);
    for (const payload of ['1', '2', 'not JSON']) await publisher.publishAsync(topic, payload, { qos: 1 });
    await until(({ places }) => places.every(({ received, dropped }) => received === 3 && dropped === 1));
    const { body } = await platform.api.call('GET', '/metrics');
    const lines = String(body).split('\n');
    for (const [name, value] of Object.entries({ up: 1, received_total: 3, dropped_total: 1 })) {
      expect(lines).toContain(`skerry_trigger_${name}{trigger="${id}",type="mqtt"} ${value}`);
    }
    const gone = await trigger({ placement: 'cloud', topic: 'other', port: 1 });
    await platform.api.until(path(), ({ data }: { data: Trigger[] }) => data.every(({ places }) => places.length > 0));
    const { body: later } = await platform.api.call('GET', '/metrics');
    expect(String(later)).toContain(`skerry_trigger_up{trigger="${gone}",type="mqtt"} 0`);
  });

  test('the control plane, killed and started again, loses nothing that the broker had', async () => {
    await trigger({ placement: 'cloud', message_id: 'id' });
    await until(isUp);
    for (const id of count(100)) void publish({ id });
    await until(({ places }) => places.some(({ received }) => received > 10));
    await platform.restartControlPlane('SIGKILL');
    await Promise.all(count(100).map((id) => publish({ id: id + 100 })));
    expect(await invocations('succeeded', 200, 60_000)).toHaveLength(200);
    // The one place has the counts of the trigger, earlier ones included.
    const { places, received, run, failed, dropped } = await until((now) => now.run === 200);
    expect(places).toMatchObject([{ received, run, failed, dropped }]);
  }, 90_000);
});
