/**
 * The releases: the agent, three files in a folder of their own with no dependencies beside them, and the control plane
 * and the command line, which find some libraries in the clone.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { scheduleParamsSchema } from '@skerry/shared/function/triggers.ts';
import type { RecordedOutcome } from '@skerry/shared/tunnel/protocol.ts';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { prepareFixture } from '../fixtures/bundles.ts';
import { createApi } from '../harness/api.ts';
import { startProcess, type Watched } from '../harness/process.ts';
import { startHub, type TestHub } from '../harness/tunnel/hub.ts';

const params = scheduleParamsSchema.parse({ cron: '* * * * * *', placement: 'edge', args: { tick: true } });
let home: RecordedOutcome[];
let folder: string;
let hub: TestHub;
let agent: Watched | undefined;

beforeAll(async () => {
  home = [];
  folder = mkdtempSync(join(tmpdir(), 'skerry-release-'));
  hub = await startHub({
    edgeTriggers: () => [{ id: 'tick', type: 'schedule', params }],
    record: async (_agent, outcomes) => void home.push(...outcomes),
  });
});
afterAll(async () => {
  await agent?.stop();
  await hub.close();
  rmSync(folder, { recursive: true });
});

test('the agent is built, joins, receives code and runs it', async () => {
  const build = fileURLToPath(import.meta.resolve('@skerry/edge-agent/build.ts'));
  execFileSync(process.execPath, [build, '--out', join(folder, 'dist')], { stdio: 'pipe' });
  expect(readdirSync(join(folder, 'dist')).sort()).toEqual(['agent.mjs', 'outbox.mjs', 'runner.mjs']);

  agent = startProcess(pathToFileURL(join(folder, 'dist', 'agent.mjs')), {
    SKERRY_SERVER: hub.url.href,
    SKERRY_DATA: join(folder, 'data'),
    SKERRY_NAME: 'released',
  });
  await agent.line((line) => line.msg === 'tunnel up');
  const fn = hub.deploy('hello', (await prepareFixture('handler')).bundle);
  const rollout = await hub.hub.rollout(fn.id, hub.catalog.version, 10_000);
  expect(rollout).toEqual({ agents: 1, applied: 1, failed: [] });
  const result = await hub.invoker.invoke({ function: fn, input: Buffer.from('{"n":1}') });
  expect(Buffer.from(result.output).toString()).toBe('{"echo":{"n":1},"count":1}');

  // Its outbox has its own thread, with its own script.
  await expect.poll(() => home.length, { timeout: 10_000 }).toBeGreaterThan(0);
  expect(home[0]).toMatchObject({ trigger: 'tick', origin: 'schedule', attempts: 1, result: { ok: true } });
});

/** A folder in the clone, where Node finds the libraries. */
function makeFolder(workspace: string): string {
  const made = mkdtempSync(fileURLToPath(new URL(`../../${workspace}/dist-test-`, import.meta.url)));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

test('the control plane is built, starts, prepares an upload and shows its documentation', async () => {
  const build = fileURLToPath(import.meta.resolve('@skerry/control-plane/release/build.ts'));
  const out = makeFolder('control-plane');
  execFileSync(process.execPath, [build, '--out', out], { stdio: 'pipe' });

  const data = join(folder, 'control-plane');
  const script = pathToFileURL(join(out, 'control-plane.mjs'));
  const controlPlane = startProcess(script, { PORT: '0', SKERRY_DATA: data });
  onTestFinished(async () => void (await controlPlane.stop()));
  const { port } = await controlPlane.line((line) => line.msg === 'listening');
  const api = createApi(new URL(`http://127.0.0.1:${port}`), readFileSync(join(data, 'admin-token'), 'utf8').trim());
  const component = readFileSync(new URL('../fixtures/handler.wasm', import.meta.url));
  const created = await api.upload('POST', '/v1/fn/_', 'hello', component, { wait_for_workers: 'false' });
  expect(created).toMatchObject({ status: 201, body: { data: { name: 'hello', world: 'skerry:function/handler' } } });
  expect((await api.call('GET', '/docs/swagger-ui.css')).status).toBe(200);
  expect((await api.call('GET', '/openapi.json')).body).toMatchObject({ info: { version: '0.1.0' } });
  expect(await controlPlane.stop()).toBe(0);
});

test('the command line is built, says its version, and writes and builds a function', () => {
  const build = fileURLToPath(new URL('../../scripts/build-cli.ts', import.meta.url));
  const out = makeFolder('cli');
  execFileSync(process.execPath, [build, '--out', out], { stdio: 'pipe' });
  const run = (...argv: string[]) =>
    execFileSync(process.execPath, [join(out, 'skerry.mjs'), ...argv], { cwd: folder, encoding: 'utf8' });
  expect(run('--version')).toBe('0.1.0\n');
  run('fn', 'new', 'hello', '--lang', 'ts');
  expect(JSON.parse(run('fn', 'build', 'hello', '--json'))).toMatchObject({ language: 'ts', world: 'handler' });
});
