/**
 * Measures events on the device: the number per second whose event is recorded with fsync, run, and outcome recorded,
 * against the same function without records; the time of one event at an easy rate; and the delivery of the outcomes of
 * a long time offline while calls go on.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import type { MqttClient } from 'mqtt';
import { freePort } from '../harness/free-port.ts';
import { type Mosquitto, startMosquitto } from '../harness/mqtt/mosquitto.ts';
import { startPlatform } from '../harness/platform.ts';
import { startPostgres } from '../harness/postgres.ts';
import { startProcess, type Watched } from '../harness/process.ts';
import { type LoadResult, type LoadTarget, load } from './load.ts';

export type Events = {
  readonly count: number;
  /** Events per second, without records and with them. */
  readonly undurable: number;
  readonly durable: number;
  /** At 500 per second: time from the arrival of an event until its outcome is on disk, an upper bound in milliseconds. */
  readonly p99: number;
  /** Outcomes per second that were delivered after a time offline. */
  readonly drained: number;
  /** Calls, one in flight, before outcomes were delivered and meanwhile. */
  readonly liveBefore: LoadResult;
  readonly liveWhile: LoadResult;
};

type EventsOptions = {
  /** The agent's script and environment. */
  readonly agentScript: URL;
  readonly agentEnv: Readonly<Record<string, string>>;
  readonly token: string;
  readonly count?: number;
  readonly seconds: number;
  readonly say: (text: string) => void;
};

const concurrency = 32;
const easyRate = 500;
const easySeconds = 10;
/** Time limit of one measurement, in milliseconds. */
const timeoutMs = 300_000;
const payload = JSON.stringify({ device: 'press-7', values: Array.from({ length: 10 }, (_, n) => 20 + n) });

export async function measureEvents(options: EventsOptions): Promise<Events> {
  const { count = 100_000, seconds, say, token } = options;
  const postgres = await startPostgres();
  // The broker must not limit the result: it writes nothing to disk, and allows many unacknowledged messages.
  const broker = await startMosquitto({ persistence: false, config: ['max_inflight_messages 1000'] });
  const platform = await startPlatform({ DATABASE_URL: postgres.url, SKERRY_ADMIN_TOKEN: token }, options.agentScript);
  const metricsPort = await freePort();
  const env = { ...options.agentEnv, SKERRY_METRICS_PORT: String(metricsPort) };
  const metric = metricReader(metricsPort);
  let alone: Watched | undefined;
  try {
    say(`events: ${count} without records`);
    const undurable = count / (await measureUndurable(broker, count));

    const component = readFileSync(new URL('../fixtures/handler.wasm', import.meta.url));
    const params = { host: '127.0.0.1', port: broker.port, topic: 'bench/kept', placement: 'edge', concurrency };
    const events = [{ type: 'mqtt', params: { ...params, max_pending: 1_000_000 } }];
    await platform.api.upload('POST', '/v1/fn/_', 'kept', component, { events });
    await platform.api.upload('POST', '/v1/fn/_', 'live', component);
    let agent: Watched = await platform.agent('bench', env);
    await until(async () => (await states(platform.api))[0] === 'up');

    say(`events: ${easyRate} per second`);
    const sensor = await broker.client();
    const run = () => metric('skerry_agent_outbox_runs_total');
    // The first events start the runner and do not count.
    await publishSteadily(sensor, 'bench/kept', easyRate, 1);
    await until(async () => (await run()) >= easyRate);
    const warm = await metric.buckets(eventSeconds);
    await publishSteadily(sensor, 'bench/kept', easyRate, easySeconds);
    await until(async () => (await run()) >= easyRate * (1 + easySeconds));
    const p99 = findBound(await metric.buckets(eventSeconds), warm, 0.99) * 1_000;
    const target = { url: new URL('/v1/fn/_/live', platform.api.url), token, body: '{"args":{}}' };
    const liveBefore = await loadWarm(target, seconds);

    say(`events: ${count}, recorded with fsync, without the control plane`);
    await agent.stop();
    await platform.controlPlane.stop();
    await publishAll(sensor, 'bench/kept', count);
    agent = startProcess(options.agentScript, {
      ...env,
      SKERRY_SERVER: platform.controlPlane.url.href,
      SKERRY_DATA: join(platform.folder, 'bench'),
      SKERRY_NAME: 'bench',
      SKERRY_THREADS: '2',
    });
    alone = agent;
    await until(async () => (await run()) > 0);
    const [from, at] = [await run(), performance.now()];
    await until(async () => (await run()) >= count);
    const durable = (count - from) / ((performance.now() - at) / 1_000);

    say('events: delivery of their outcomes, while calls go on');
    const waiting = () => metric('skerry_agent_outbox_outcomes');
    await platform.restartControlPlane();
    await until(async () => (await waiting()) < count);
    const draining = performance.now();
    const drain = until(async () => (await waiting()) === 0).then(() => performance.now() - draining);
    const again = { ...target, url: new URL('/v1/fn/_/live', platform.api.url) };
    const liveWhile = await loadWarm(again, seconds);
    if ((await waiting()) === 0) throw new Error('all outcomes were delivered before the calls were over');
    const drained = count / ((await drain) / 1_000);
    return { count, undurable, durable, p99, drained, liveBefore, liveWhile };
  } finally {
    await alone?.stop();
    await platform.stop();
    await Promise.all([broker.close(), postgres.close()]);
  }
}

/**
 * One in flight. The round with the median p99 of three. The first calls do not count, because the processes have just
 * been started.
 */
async function loadWarm(target: LoadTarget, seconds: number): Promise<LoadResult> {
  await load(target, 1, 1);
  const rounds: LoadResult[] = [];
  for (let round = 0; round < 3; round += 1) rounds.push(await load(target, 1, seconds));
  const [, middle] = rounds.sort((a, b) => a.p99 - b.p99);
  return middle as LoadResult;
}

/** Seconds for all events. */
async function measureUndurable(broker: Mosquitto, count: number): Promise<number> {
  const env = {
    BENCH_BROKER: broker.url.href,
    BENCH_TOPIC: 'bench/undurable',
    BENCH_EVENTS: String(count),
    BENCH_CONCURRENCY: String(concurrency),
  };
  const script = new URL('./baselines/undurable-agent.ts', import.meta.url);
  // Connects once so that the broker keeps a session, then with all events waiting in it.
  const first = startProcess(script, env);
  await first.line(({ msg }) => msg === 'subscribed');
  await first.stop();
  const sensor = await broker.client();
  await publishAll(sensor, 'bench/undurable', count);
  const second = startProcess(script, env);
  const { seconds } = await second.line(({ msg }) => msg === 'done');
  await second.stop();
  return Number(seconds);
}

async function publishAll(client: MqttClient, topic: string, count: number): Promise<void> {
  const atOnce = 500;
  for (let from = 0; from < count; from += atOnce) {
    const batch = Array.from({ length: Math.min(atOnce, count - from) }, () =>
      client.publishAsync(topic, payload, { qos: 1 }),
    );
    await Promise.all(batch);
  }
}

async function publishSteadily(client: MqttClient, topic: string, perSecond: number, seconds: number): Promise<void> {
  const began = performance.now();
  let published = 0;
  while (published < perSecond * seconds) {
    const due = Math.min(perSecond * seconds, Math.floor(((performance.now() - began) / 1_000) * perSecond));
    for (; published < due; published += 1) client.publish(topic, payload, { qos: 1 });
    await rest(2);
  }
}

const eventSeconds = 'skerry_agent_outbox_event_seconds_bucket';

type Bucket = { readonly le: number; readonly count: number };

/** Reads metrics of the agent: the sum of a metric's values, or a histogram's buckets. */
function metricReader(port: number) {
  const readLines = async (name: string) => {
    const text = await fetch(`http://127.0.0.1:${port}/metrics`).then(
      (answer) => answer.text(),
      () => '',
    );
    return [...text.matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`, 'gm'))];
  };
  const sum = async (name: string): Promise<number> =>
    (await readLines(name)).reduce((total, [, , value]) => total + Number(value), 0);
  const buckets = async (name: string): Promise<Bucket[]> =>
    (await readLines(name)).map(([, labels = '', value]) => ({
      le: Number(/le="([^"]+)"/.exec(labels)?.[1]?.replace('+Inf', 'Infinity')),
      count: Number(value),
    }));
  return Object.assign(sum, { buckets });
}

/** The bound of the bucket that holds this share of the values since `before`. */
function findBound(after: readonly Bucket[], before: readonly Bucket[], share: number): number {
  const since = after.map(({ le, count }, at) => ({ le, count: count - (before[at]?.count ?? 0) }));
  const all = since.at(-1)?.count ?? 0;
  return since.find(({ count }) => count >= all * share)?.le ?? Number.NaN;
}

async function states(api: { call(method: string, path: string): Promise<{ body: unknown }> }): Promise<string[]> {
  const { body } = await api.call('GET', '/v1/fn/_/kept/triggers');
  const { data } = body as { data: { places: { state: string }[] }[] };
  return data.flatMap(({ places }) => places.map(({ state }) => state));
}

async function until(reached: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await reached())) {
    if (performance.now() > deadline) throw new Error(`the bench has waited for ${timeoutMs / 1_000} s in vain`);
    await rest(50);
  }
}
