/** The released agent: three files in a folder of their own, with no dependencies beside them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { scheduleParamsSchema } from '@skerry/shared/function/triggers.ts';
import type { RecordedOutcome } from '@skerry/shared/tunnel/protocol.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { prepareFixture } from '../fixtures/bundles.ts';
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

test('is built, joins, receives code and runs it', async () => {
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
