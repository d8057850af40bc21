/** A real agent behind a bad wire: cut, silent, and cut in the middle of its code. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startProcess, type Watched } from '../harness/process.ts';
import { type FaultyWire, startFaultyWire } from '../harness/tunnel/faulty-wire.ts';
import { startHub, type TestHub } from '../harness/tunnel/hub.ts';

let hub: TestHub;
let wire: FaultyWire;
let folder: string;
let agent: Watched;

const up = (line: { msg?: string }) => line.msg === 'tunnel up';
const down = (line: { msg?: string }) => line.msg === 'tunnel down';

beforeEach(async () => {
  hub = await startHub({ pingIntervalMs: 100 });
  wire = await startFaultyWire(hub.url);
  folder = mkdtempSync(join(tmpdir(), 'skerry-wire-'));
  agent = startProcess(new URL(import.meta.resolve('@skerry/edge-agent/main.ts')), {
    SKERRY_SERVER: wire.url.href,
    SKERRY_DATA: folder,
    SKERRY_NAME: 'box',
    SKERRY_HANDSHAKE_TIMEOUT_MS: '500',
  });
  await agent.line(up);
});
afterEach(async () => {
  await agent.stop();
  await wire.close();
  await hub.close();
  rmSync(folder, { recursive: true });
});

test('a wire that is cut: the agent reconnects by itself, with a higher epoch', async () => {
  const seen = agent.lines.length;
  wire.cut();
  const again = await agent.line(up, seen);
  expect(again.epoch).toBe(2);
  expect(hub.hub.online).toBe(1);
});

test('a wire that goes silent: both ends notice, and the agent reconnects when it works again', async () => {
  const seen = agent.lines.length;
  wire.silence();
  await agent.line(down, seen);
  await expect.poll(() => hub.hub.online).toBe(0);
  const silentSeen = agent.lines.length;
  wire.restore();
  await agent.line(up, silentSeen);
  expect(hub.hub.online).toBe(1);
});

test('a wire that is cut in the middle of the code: only the rest is sent again', async () => {
  const bundle = randomBytes(3 * 1024 * 1024);
  wire.cutAfter(1024 * 1024);
  const before = wire.bytesDown;
  const seen = agent.lines.length;
  hub.deploy('large', bundle);
  await agent.line(up, seen);
  // Random bytes are no bundle: the agent has all of them when it reports that it cannot load them.
  const failed = await agent.line((line) => line.msg === 'could not apply' && line.step === 'load', seen);
  expect(failed.code).toBe('function_load_failed');
  const passed = wire.bytesDown - before;
  expect(passed).toBeGreaterThan(bundle.byteLength);
  expect(passed).toBeLessThan(bundle.byteLength * 1.5);
});
