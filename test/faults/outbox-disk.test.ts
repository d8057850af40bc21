/** An agent whose disk has no room beyond the reserve, and a broker that keeps sending. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mqttParamsSchema } from '@skerry/shared/function/triggers.ts';
import { expect, test } from 'vitest';
import { prepareFixture } from '../fixtures/bundles.ts';
import { startMosquitto } from '../harness/mqtt/mosquitto.ts';
import { startProcess } from '../harness/process.ts';
import { startHub } from '../harness/tunnel/hub.ts';

test('messages stay with the broker, the agent goes on, and they run when there is room', async (context) => {
  const disk = mkdtempSync(join(tmpdir(), 'skerry-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=120m', 'tmpfs', disk], { stdio: 'pipe' });
  } catch {
    rmSync(disk, { recursive: true });
    return context.skip('mounting a file system of its own needs the right to mount');
  }
  await using stack = new AsyncDisposableStack();
  stack.defer(() => {
    execFileSync('umount', [disk]);
    rmSync(disk, { recursive: true });
  });
  const { bundle } = await prepareFixture('handler');
  const broker = await startMosquitto();
  stack.defer(broker.close);
  const params = mqttParamsSchema.parse({ host: '127.0.0.1', port: broker.port, topic: 'a', placement: 'edge' });
  const home = new Set<string>();
  const hub = await startHub({
    pingIntervalMs: 100,
    edgeTriggers: () => [{ id: 'trigger', type: 'mqtt', params }],
    async record(_agent, outcomes) {
      for (const { id } of outcomes) home.add(id);
    },
  });
  stack.defer(hub.close);
  const agent = startProcess(new URL('./outbox-agent.ts', import.meta.url), {
    SKERRY_SERVER: hub.url.href,
    SKERRY_DATA: disk,
    SKERRY_NAME: 'box',
    SKERRY_THREADS: '2',
  });
  stack.defer(async () => void (await agent.stop('SIGKILL')));
  const { address } = await agent.line((line) => line.msg === 'intake');
  const answer = () => fetch(`http://127.0.0.1:${(address as { port: number }).port}/state`);
  await agent.line((line) => line.msg === 'tunnel up');
  hub.deploy('hello', bundle);
  const told = () => hub.hub.triggerStates('trigger')[0]?.state;
  await expect.poll(() => told()?.state, { timeout: 15_000 }).toBe('up');

  writeFileSync(join(disk, 'ballast'), Buffer.alloc(60 * 1024 * 1024));
  // The agent's view of the disk may be a second old.
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const publisher = await broker.client();
  for (let n = 0; n < 20; n += 1) await publisher.publishAsync('a', String(n), { qos: 1 });
  await expect.poll(() => told()?.state, { timeout: 15_000 }).toBe('holding');
  for (let n = 0; n < 5; n += 1) {
    const began = performance.now();
    expect((await answer()).status).toBe(200);
    expect(performance.now() - began).toBeLessThan(2_000);
  }
  rmSync(join(disk, 'ballast'));
  await expect.poll(() => home.size, { timeout: 20_000 }).toBe(20);
}, 60_000);
