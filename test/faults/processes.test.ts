/** Processes that die, restart, are cut off or turned away, seen through the public API. */
import { cpSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { commandModule, handlerComponent } from '../harness/fixtures.ts';
import { type Platform, startPlatform, type TestAgent } from '../harness/platform.ts';
import { findChildren, startProcess } from '../harness/process.ts';

let platform: Platform;
let agent: TestAgent;

beforeAll(async () => {
  platform = await startPlatform();
  agent = await platform.agent('box');
  const quickly = { manifest: { limits: { timeout_ms: 300 } } };
  await platform.api.upload('POST', '/v1/fn/_', 'handler', handlerComponent());
  await platform.api.upload('POST', '/v1/fn/_', 'quick', handlerComponent(), quickly);
  await platform.api.upload('POST', '/v1/fn/_', 'command', commandModule());
});
afterAll(() => platform?.stop());

const call = (fn: string, args: unknown) => platform.api.call('POST', `/v1/fn/_/${fn}`, { args });
const errorOf = (body: unknown) => (body as { errors: { code: string; detail: string } }).errors;

describe('a function', () => {
  test('that reports an error: 422 function_error, with its message', async () => {
    const { status, body } = await call('handler', 'fail');
    expect(status).toBe(422);
    expect(errorOf(body)).toMatchObject({ code: 'function_error', detail: 'Error: asked to fail' });
  });

  test('that traps: 500 function_trap, and the next call is fine', async () => {
    const { status, body } = await call('handler', 'crash');
    expect(status).toBe(500);
    expect(errorOf(body).code).toBe('function_trap');
    expect((await call('handler', 1)).status).toBe(200);
  });

  test('that never returns: 504 at its deadline', async () => {
    const start = performance.now();
    const { status, body } = await call('quick', 'spin');
    expect(status).toBe(504);
    expect(errorOf(body).code).toBe('function_timeout');
    expect(performance.now() - start).toBeLessThan(2_000);
    expect((await call('quick', 1)).status).toBe(200);
  });

  test('whose answer is not JSON: 500 function_output_invalid', async () => {
    const { status, body } = await call('handler', 'bytes');
    expect(status).toBe(500);
    expect(errorOf(body).code).toBe('function_output_invalid');
  });

  test('that no agent has enough memory for: 503 no_capacity', async () => {
    const fields = { metadata: { capacity: 10 ** 12 } };
    expect((await platform.api.upload('POST', '/v1/fn/_', 'huge', handlerComponent(), fields)).status).toBe(201);
    const { status, body } = await call('huge', 1);
    expect(status).toBe(503);
    expect(errorOf(body).code).toBe('no_capacity');
  });

  test('a fresh instance serves every call', async () => {
    for (let n = 0; n < 3; n++) expect((await call('handler', n)).body).toEqual({ data: { echo: n, count: 1 } });
  });
});

describe('metrics', () => {
  test('of an agent are read through its tunnel, and Prometheus discovers them', async () => {
    const discovery = await platform.api.call('GET', '/metrics/agents');
    const [group] = discovery.body as { targets: string[]; labels: Record<string, string> }[];
    expect(group).toMatchObject({ targets: [platform.api.url.host], labels: { agent: 'box' } });
    const metrics = await platform.api.call('GET', group?.labels.__metrics_path__ ?? '');
    expect(metrics.headers.get('content-type')).toContain('text/plain');
    expect(metrics.body).toMatch(/^skerry_agent_invocations_total\{outcome="ok"\} \d+$/m);
    expect(metrics.body).toMatch(/^skerry_agent_memory_available_bytes \d+$/m);
    expect((await platform.api.call('GET', '/metrics/agents/nobody')).status).toBe(404);
  });
});

describe('an agent', () => {
  test('killed in the middle of a call: 502 at once', async () => {
    const pending = call('handler', 'spin');
    await platform.api.until('/v1/agents/box', (body: { data: { running: number } }) => body.data.running === 1);
    const start = performance.now();
    await agent.stop('SIGKILL');
    const { status, body } = await pending;
    expect(status).toBe(502);
    expect(errorOf(body).code).toBe('agent_lost');
    expect(performance.now() - start).toBeLessThan(2_000);
    expect((await call('handler', 1)).status).toBe(503);
  });

  test('restarted: it serves its functions, without a new join token', async () => {
    agent = await platform.agent('box');
    expect((await call('handler', 'again')).body).toMatchObject({ data: { echo: 'again' } });
    expect((await call('command', { a: 1 })).body).toEqual({ data: { a: 1 } });
  });

  test('whose runner is killed in the middle of a call: 502 runner_lost, and the next call is fine', async () => {
    const pending = call('handler', 'spin');
    await platform.api.until('/v1/agents/box', (body: { data: { running: number } }) => body.data.running === 1);
    const [runner] = findChildren(agent.pid);
    process.kill(Number(runner), 'SIGKILL');
    const { status, body } = await pending;
    expect(status).toBe(502);
    expect(errorOf(body).code).toBe('runner_lost');
    expect(await agent.line((line) => line.msg === 'runner lost')).toMatchObject({ end: 'SIGKILL', calls: 1 });
    expect((await call('handler', 1)).status).toBe(200);
  });

  test('asked to stop: it finishes its calls, takes no new ones, exits with 0', async () => {
    const pending = call('command', { sleep: 2_000 });
    await platform.api.until('/v1/agents/box', (body: { data: { running: number } }) => body.data.running === 1);
    const exit = agent.stop('SIGTERM');
    expect((await pending).status).toBe(200);
    expect(await exit).toBe(0);
    agent = await platform.agent('box');
  });

  test('started twice on one folder: the second one says so and ends', async () => {
    const second = startProcess(new URL(import.meta.resolve('@skerry/edge-agent/main.ts')), {
      SKERRY_SERVER: platform.api.url.href,
      SKERRY_DATA: `${platform.folder}/box`,
      SKERRY_NAME: 'box',
    });
    expect(await second.exited).toBe(1);
    expect(second.lines.map((line) => line.msg).join('\n')).toContain('another agent is running on it');
  });

  test('copied to a second box with its key: the newest wins, the other gets the reason and stops', async () => {
    const original = await platform.agent('original');
    await original.stop();
    cpSync(`${platform.folder}/original`, `${platform.folder}/copy`, { recursive: true });
    const first = await platform.agent('original');
    const second = startProcess(new URL(import.meta.resolve('@skerry/edge-agent/main.ts')), {
      SKERRY_SERVER: platform.api.url.href,
      SKERRY_DATA: `${platform.folder}/copy`,
      SKERRY_NAME: 'original',
    });
    await second.line((line) => line.msg === 'tunnel up');
    expect(await first.exited).toBe(77);
    expect(
      first.lines.some((line) => /another process opened a tunnel with the same key/.test(String(line.reason))),
    ).toBe(true);
    const { body } = await platform.api.call('GET', '/v1/agents/original');
    expect(body).toMatchObject({ data: { online: true } });
    expect(await second.stop()).toBe(0);
  });

  test('new and without a token: it gets the reason, and ends with the exit code for operators', async () => {
    const stranger = startProcess(new URL(import.meta.resolve('@skerry/edge-agent/main.ts')), {
      SKERRY_SERVER: platform.api.url.href,
      SKERRY_DATA: `${platform.folder}/stranger`,
      SKERRY_NAME: 'stranger',
    });
    expect(await stranger.exited).toBe(77);
    expect(stranger.lines.some((line) => /join token/.test(String(line.reason)))).toBe(true);
  });

  test('revoked: its tunnel closes within a second, it ends, and cannot return', async () => {
    const doomed = await platform.agent('doomed');
    const start = performance.now();
    expect((await platform.api.call('DELETE', '/v1/agents/doomed')).status).toBe(204);
    expect(await doomed.exited).toBe(77);
    expect(performance.now() - start).toBeLessThan(1_000 + 500);
    await expect(platform.agent('doomed')).rejects.toThrow(/ended/);
  });
});

describe('the control plane', () => {
  afterEach(async () => {
    await platform.api.until('/v1/agents/box', (body: { data: { online: boolean } }) => body.data.online);
  });

  test.each(['SIGTERM', 'SIGKILL'] as const)('restarted with %s: agents reconnect, and calls go on', async (signal) => {
    const seen = agent.lines.length;
    await platform.restartControlPlane(signal);
    await agent.line((line) => line.msg === 'tunnel up', seen);
    expect((await call('handler', 'after')).body).toMatchObject({ data: { echo: 'after' } });
  });

  test('a second one on the same folder is refused in one clear line', async () => {
    const second = startProcess(new URL(import.meta.resolve('@skerry/control-plane/main.ts')), {
      SKERRY_DATA: `${platform.folder}/control-plane`,
      PORT: '0',
    });
    expect(await second.exited).toBe(1);
    expect(JSON.stringify(second.lines)).toContain(String(platform.controlPlane.pid));
  });
});
