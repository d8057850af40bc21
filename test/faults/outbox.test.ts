/**
 * Events on a real agent, and the delivery of their outcomes, through all faults of either. More than 300 lines,
 * because all of it needs the same agent, wire and control plane.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mqttParamsSchema } from '@skerry/shared/function/triggers.ts';
import type { OutboxState, RecordedOutcome } from '@skerry/shared/tunnel/protocol.ts';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { prepareFixture } from '../fixtures/bundles.ts';
import { freePort } from '../harness/free-port.ts';
import { startProcess, type Watched } from '../harness/process.ts';
import { type FaultyWire, startFaultyWire } from '../harness/tunnel/faulty-wire.ts';
import { startHub, type TestHub } from '../harness/tunnel/hub.ts';

type Home = Map<string, RecordedOutcome & { times: number }>;

const bundles = {} as Record<'handler' | 'http', Uint8Array>;
let hub: TestHub;
let wire: FaultyWire;
let folder: string;
let agent: Watched;
let door: string;
let home: Home;
/** How the control plane treats a batch, besides storing it. */
let onBatch: () => Promise<void>;

const params = mqttParamsSchema.parse({
  host: 'localhost',
  topic: 'a',
  placement: 'edge',
  concurrency: 20,
  max_pending: 1_000_000,
});

async function startAgent(server: URL = wire.url): Promise<void> {
  agent = startProcess(new URL('./outbox-agent.ts', import.meta.url), {
    SKERRY_SERVER: server.href,
    SKERRY_DATA: folder,
    SKERRY_NAME: 'box',
    SKERRY_THREADS: '2',
    SKERRY_HANDSHAKE_TIMEOUT_MS: '500',
  });
  const { address } = await agent.line((line) => line.msg === 'intake');
  door = `http://127.0.0.1:${(address as { port: number }).port}`;
}

// Before there is a tunnel: preparing blocks this process for longer than a tunnel may be silent.
beforeAll(async () => {
  for (const name of ['handler', 'http'] as const) bundles[name] = (await prepareFixture(name)).bundle;
});
beforeEach(async () => {
  home = new Map();
  onBatch = async () => {};
  hub = await startHub({
    pingIntervalMs: 100,
    edgeTriggers: () => [{ id: 'trigger', type: 'mqtt', params }],
    async record(_agent, outcomes) {
      await onBatch();
      for (const outcome of outcomes) {
        const times = (home.get(outcome.id)?.times ?? 0) + 1;
        home.set(outcome.id, { ...outcome, times });
      }
    },
  });
  wire = await startFaultyWire(hub.url);
  folder = mkdtempSync(join(tmpdir(), 'skerry-outbox-'));
  await startAgent();
  await agent.line((line) => line.msg === 'tunnel up');
});
afterEach(async () => {
  await agent.stop('SIGKILL');
  await wire.close();
  await hub.close();
  rmSync(folder, { recursive: true });
});

/** The function and the outbox are ready: one event has been delivered. */
async function deploy(manifest = {}, fixture: 'handler' | 'http' = 'handler'): Promise<void> {
  const world = fixture === 'http' ? 'wasi:http/incoming-handler' : 'skerry:function/handler';
  const fn = hub.deploy('hello', bundles[fixture], manifest, world);
  const rollout = () => hub.hub.rollout(fn.id, hub.catalog.version, 1_000);
  await expect.poll(rollout, { timeout: 10_000 }).toMatchObject({ applied: 1 });
  await record('from=0&count=1');
  await until(isEmpty);
  home.clear();
}

/** Numbers of the events that are on disk, by the answer for each. Ends when the agent does. */
async function record(query: string, onFirst: () => void = () => {}): Promise<Map<number, string>> {
  const said = new Map<number, string>();
  let text = '';
  try {
    const response = await fetch(`${door}/events?${query}`, { method: 'POST' });
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      onFirst();
    }
  } catch {
    // the agent was killed
  }
  const lines = text.split('\n');
  // The last line may be incomplete.
  for (const line of lines.slice(0, -1)) {
    const at = line.indexOf(' ');
    said.set(Number(line.slice(0, at)), line.slice(at + 1));
  }
  return said;
}
/** Undefined while the file is not open. */
const state = async () => ((await (await fetch(`${door}/state`)).json()) ?? undefined) as OutboxState | undefined;
const until = (fits: (state: OutboxState) => boolean, timeout = 15_000) =>
  expect
    .poll(
      async () => {
        const now = await state();
        return now !== undefined && fits(now);
      },
      { timeout, interval: 20 },
    )
    .toBe(true);
const isEmpty = ({ events, outcomes }: OutboxState) => events === 0 && outcomes === 0;

/** How often each number was delivered, by different ids. */
function numbersAtHome(): Map<number, number> {
  const numbers = new Map<number, number>();
  for (const { result } of home.values()) {
    if (!result.ok) throw new Error(`an event failed: ${result.code} ${result.message}`);
    const { n } = (JSON.parse(Buffer.from(result.output).toString()) as { echo: { n: number } }).echo;
    numbers.set(n, (numbers.get(n) ?? 0) + 1);
  }
  return numbers;
}
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);
const sorted = (numbers: Iterable<number>) => [...numbers].sort((a, b) => a - b);

describe('an agent that is killed', () => {
  test('at random points while it records, runs and sends: every acknowledged event is delivered', async () => {
    await deploy();
    const acknowledged = new Set<number>();
    for (let kill = 0; kill < 5; kill++) {
      const { promise: begun, resolve: onFirst } = Promise.withResolvers<void>();
      const recording = record(`from=${kill * 2_000}&count=2000`, onFirst);
      await begun;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 200));
      await agent.stop('SIGKILL');
      for (const [n, kept] of await recording) if (kept === 'recorded') acknowledged.add(n);
      await startAgent();
    }
    await until(isEmpty);
    expect(acknowledged.size).toBeGreaterThan(0);
    const numbers = numbersAtHome();
    expect(sorted(acknowledged).filter((n) => !numbers.has(n))).toEqual([]);
    expect([...numbers.values()].filter((times) => times > 1)).toEqual([]);
  }, 60_000);

  test('and gets the same named events again: each comes home under one id', async () => {
    await deploy();
    const acknowledged = new Set<number>();
    while (acknowledged.size < 1_000) {
      const recording = record('from=0&count=1000&named=m');
      await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 300));
      await agent.stop('SIGKILL');
      for (const [n, kept] of await recording) if (kept !== 'full') acknowledged.add(n);
      await startAgent();
    }
    await until(isEmpty);
    expect(sorted(numbersAtHome().keys())).toEqual(upTo(1_000));
    expect(home.size).toBe(1_000);
  }, 60_000);

  test('restarted without a network: it runs the recorded events', async () => {
    await deploy();
    wire.silence();
    await record('from=0&count=3000');
    await agent.stop('SIGKILL');
    const nobody = new URL(`http://127.0.0.1:${await freePort()}`);
    await startAgent(nobody);
    await until(({ events, outcomes }) => events === 0 && outcomes > 0);
    expect(await state()).toMatchObject({ dropped: 0, damaged: 0 });
    await agent.stop();
    wire.restore();
    await startAgent();
    await until(isEmpty);
    expect(sorted(numbersAtHome().keys())).toEqual(upTo(3_000));
  }, 60_000);
});

test('asked to stop: outcomes of finished runs are written, and nothing is lost', async () => {
  await deploy();
  const recording = record('from=0&count=2000');
  expect(await agent.stop()).toBe(0);
  const acknowledged = [...(await recording)].filter(([, kept]) => kept === 'recorded').map(([n]) => n);
  await startAgent();
  await until(isEmpty);
  const numbers = numbersAtHome();
  expect(acknowledged.filter((n) => !numbers.has(n))).toEqual([]);
});

describe('outcomes are delivered once each', () => {
  test('after a control plane that was away for the whole run', async () => {
    await deploy();
    wire.silence();
    await record('from=0&count=4000');
    await until(({ events, outcomes }) => events === 0 && outcomes === 4_000);
    expect(home.size).toBe(0);
    wire.restore();
    await until(isEmpty);
    expect(sorted(numbersAtHome().keys())).toEqual(upTo(4_000));
  }, 30_000);

  test('over a wire that is cut again and again', async () => {
    await deploy();
    // One batch takes a moment, so that the cuts hit some in progress.
    onBatch = () => new Promise((resolve) => setTimeout(resolve, 30));
    await record('from=0&count=6000');
    // The agent reconnects later with each cut. This number of cuts hits every point of a batch.
    let cuts = 0;
    const cutting = setInterval(() => {
      if (cuts === 20) return clearInterval(cutting);
      cuts += 1;
      wire.cut();
    }, 300);
    await until((now) => cuts === 20 && isEmpty(now), 60_000).finally(() => clearInterval(cutting));
    expect(sorted(numbersAtHome().keys())).toEqual(upTo(6_000));
  }, 80_000);

  test('over a wire that goes silent in the middle', async () => {
    await deploy();
    onBatch = () => new Promise((resolve) => setTimeout(resolve, 50));
    const seen = agent.lines.length;
    const recording = record('from=0&count=6000');
    await expect.poll(() => home.size, { timeout: 10_000 }).toBeGreaterThan(0);
    wire.silence();
    await recording;
    await agent.line((line) => line.msg === 'tunnel down', seen);
    wire.restore();
    await until(isEmpty);
    expect(sorted(numbersAtHome().keys())).toEqual(upTo(6_000));
  }, 30_000);

  test('over a wire that is slow, with live calls going on', async () => {
    await deploy();
    wire.slowDown(50);
    await record('from=0&count=3000');
    const fn = hub.catalog.find('_', 'hello');
    if (!fn) throw new Error('the function is not there');
    const start = performance.now();
    await hub.invoker.invoke({ function: fn, input: Buffer.from('1') });
    expect(performance.now() - start).toBeLessThan(2_000);
    await until(isEmpty);
    expect(sorted(numbersAtHome().keys())).toEqual(upTo(3_000));
  }, 30_000);

  test('to a control plane that cannot store them for a while', async () => {
    await deploy();
    let refusals = 0;
    onBatch = async () => {
      refusals += 1;
      if (refusals <= 4) throw new Error('the database is away');
    };
    await record('from=0&count=1000');
    await until(isEmpty);
    expect(refusals).toBeGreaterThan(4);
    expect(sorted(numbersAtHome().keys())).toEqual(upTo(1_000));
  });
});

test('an event whose function fails is tried as often as the manifest says, and is delivered with its input', async () => {
  await deploy({ retry: { attempts: 3, base_ms: 10, cap_ms: 20 }, limits: { timeout_ms: 5_000, input_bytes: 1_000 } });
  await record('from=0&count=1&input=fail');
  await record('from=7&count=1&bytes=2000');
  await until(isEmpty);
  const [failed, tooLarge] = [...home.values()].sort((a, b) => b.attempts - a.attempts);
  expect(failed).toMatchObject({ attempts: 3, result: { code: 'function_error' } });
  expect(Buffer.from(failed?.input ?? []).toString()).toBe('"fail"');
  expect(tooLarge).toMatchObject({ attempts: 1, result: { code: 'payload_too_large' } });
  expect(JSON.parse(Buffer.from(tooLarge?.input ?? []).toString())).toMatchObject({ n: 7 });
});

test('an event of a wasi:http function is a request', async () => {
  await deploy({}, 'http');
  await record('from=0&count=3');
  await until(isEmpty);
  const outputs = [...home.values()].map(({ result }) => result.ok && Buffer.from(result.output).toString());
  expect(outputs).toEqual(Array(3).fill('{"path":"/","count":1}'));
});

/** The trigger as the control plane sees it. */
const told = () => hub.hub.triggerStates('trigger')[0]?.state;
const spinning = { retry: { attempts: 1 }, limits: { timeout_ms: 1_500 } };

test('events of a deleted function are delivered as dead letters, with their input', async () => {
  await deploy(spinning);
  await record('from=0&count=50&input=spin');
  expect((await state())?.events).toBe(50);
  hub.remove('hello');
  await agent.line((line) => String(line.msg).includes('become dead letters'));
  await until(isEmpty);
  expect(home.size).toBe(50);
  const codes = Map.groupBy(home.values(), ({ result }) => !result.ok && result.code);
  expect([...codes.keys()].sort()).toEqual(['code_unavailable', 'function_timeout']);
  for (const { input } of home.values()) expect(Buffer.from(input ?? []).toString()).toBe('"spin"');
  expect(await state()).toMatchObject({ dropped: 0 });
}, 30_000);

test('a function that moves away and back while its events run: each event has one outcome, and the counts are right', async () => {
  await deploy(spinning);
  await record('from=0&count=30&input=spin');
  hub.remove('hello');
  await agent.line((line) => String(line.msg).includes('become dead letters'));
  hub.deploy('hello', bundles.handler, spinning);
  await until(isEmpty);
  await record('from=0&count=5');
  await until(isEmpty);
  expect(home.size).toBe(35);
  expect([...home.values()].filter(({ times }) => times > 1)).toEqual([]);
  // With the next status, which is periodic.
  await expect.poll(() => told()?.pending, { timeout: 10_000 }).toBe(0);
  expect(agent.child.exitCode).toBeNull();
}, 30_000);
