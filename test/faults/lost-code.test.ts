/** Code that is lost by damage to the agent's file is fetched again through the tunnel. Until then no event is lost. */
import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { CatalogFunction } from '@skerry/control-plane/model/catalog-function.ts';
import { mqttParamsSchema } from '@skerry/shared/function/triggers.ts';
import type { RecordedOutcome } from '@skerry/shared/tunnel/protocol.ts';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { prepareFixture } from '../fixtures/bundles.ts';
import { startProcess, type Watched } from '../harness/process.ts';
import { type FaultyWire, startFaultyWire } from '../harness/tunnel/faulty-wire.ts';
import { startHub, type TestHub } from '../harness/tunnel/hub.ts';

const patience = { timeout: 20_000, interval: 50 };
const params = mqttParamsSchema.parse({ host: 'localhost', topic: 'a', placement: 'edge' });
let bundle: Uint8Array;
let hub: TestHub;
let wire: FaultyWire;
let folder: string;
let agent: Watched;
let door: string;
let home: RecordedOutcome[];
let fn: CatalogFunction;

beforeAll(async () => {
  bundle = (await prepareFixture('handler')).bundle;
});
beforeEach(async () => {
  home = [];
  hub = await startHub({
    pingIntervalMs: 100,
    edgeTriggers: () => [{ id: 'trigger', type: 'mqtt', params }],
    record: async (_agent, outcomes) => void home.push(...outcomes),
  });
  wire = await startFaultyWire(hub.url);
  folder = mkdtempSync(join(tmpdir(), 'skerry-lost-code-'));
  await startAgent();
  fn = hub.deploy('hello', bundle);
  await expect.poll(() => holds(), patience).toBe(true);
});
afterEach(async () => {
  await agent.stop('SIGKILL');
  await wire.close();
  await hub.close();
  rmSync(folder, { recursive: true });
});

async function startAgent(): Promise<void> {
  agent = startProcess(new URL('./outbox-agent.ts', import.meta.url), {
    SKERRY_SERVER: wire.url.href,
    SKERRY_DATA: folder,
    SKERRY_NAME: 'box',
    SKERRY_THREADS: '2',
    SKERRY_HANDSHAKE_TIMEOUT_MS: '500',
  });
  const { address } = await agent.line((line) => line.msg === 'intake');
  door = `http://127.0.0.1:${(address as { port: number }).port}`;
}

const holds = () => hub.hub.functionAgents(fn)[0]?.holds;
const get = async (path: string) => await (await fetch(door + path)).text();
const record = async (n: number) => await (await fetch(`${door}/events?from=${n}&count=1`, { method: 'POST' })).text();
const call = () =>
  hub.invoker.invoke({ function: fn, input: Buffer.from('1') }).then(
    ({ output }) => Buffer.from(output).toString(),
    (error: { code: string }) => error.code,
  );
const good = '{"echo":1,"count":1}';

test('a truncated file: offline, its events wait through many tries; then the code arrives, and all run', async () => {
  await agent.stop();
  const file = join(folder, 'agent.db');
  truncateSync(file, Math.floor(statSync(file).size / 2));
  wire.silence();
  await startAgent();
  const { saved } = await agent.line((line) => 'saved' in line);
  expect(saved).toMatchObject({ key: true, functions: 1, bundles: 0 });

  expect(await record(1)).toBe('1 recorded\n');
  const refusals = async () =>
    Number(/^skerry_agent_invocations_total\{outcome="code_unavailable"\} (\d+)$/m.exec(await get('/metrics'))?.[1]);
  // More tries than a failure would get.
  await expect.poll(refusals, patience).toBeGreaterThan(3);
  expect(await get('/metrics')).toMatch(/^skerry_agent_generation 0$/m);
  expect(JSON.parse(await get('/state'))).toMatchObject({ events: 1, outcomes: 0 });

  wire.restore();
  await expect.poll(holds, patience).toBe(true);
  expect(await call()).toBe(good);
  await expect.poll(() => home, patience).toMatchObject([{ attempts: 1, result: { ok: true } }]);
}, 60_000);

test('code that does not match its digest: a call is refused as retryable, and the code is fetched again', async () => {
  await agent.stop();
  const spoilt = Uint8Array.from(bundle);
  spoilt[spoilt.length - 1] = (spoilt.at(-1) ?? 0) ^ 1;
  const db = new DatabaseSync(join(folder, 'agent.db'));
  db.prepare('UPDATE bundles SET bytes = ?').run(spoilt);
  db.close();
  await startAgent();
  await expect.poll(holds, patience).toBe(true);

  const [said, first] = await Promise.all([record(1), call()]);
  expect(said).toBe('1 recorded\n');
  // The event may have found the loss first, and the code may be back already.
  expect(['code_unavailable', good]).toContain(first);
  await expect.poll(call, patience).toBe(good);
  await expect.poll(() => home, patience).toMatchObject([{ attempts: 1, result: { ok: true } }]);
  await expect.poll(holds, patience).toBe(true);
}, 60_000);
