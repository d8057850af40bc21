/**
 * A running platform with one agent and a healthy function on it, for tests that deploy hostile functions beside it.
 *
 * Everything goes through the public API, as a caller would use it. Processes and memory, which a caller cannot see,
 * are read from /proc.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ManifestInput } from '@skerry/shared/function/manifest.ts';
import { handlerComponent } from '../harness/fixtures.ts';
import { type Platform, startPlatform, type TestAgent } from '../harness/platform.ts';
import { findChildren, statusField } from '../harness/process.ts';
import { createNeighbour, type Neighbour } from './neighbour.ts';

/** The answer of a call. */
export type Reply = {
  readonly status: number;
  /** Error code; undefined when there was none. */
  readonly code: string | undefined;
  readonly text: string;
  readonly headers: Headers;
  /** As the caller measured it, in milliseconds. */
  readonly ms: number;
};

export type Site = {
  readonly platform: Platform;
  readonly agent: TestAgent;
  /** Calls of a healthy function, from the start on. */
  readonly neighbour: Neighbour;
  /** Creates a function, and waits until the agent has it. */
  deploy(name: string, component: Uint8Array, manifest?: ManifestInput): Promise<void>;
  /** Through the JSON endpoint. */
  call(name: string, args: unknown): Promise<Reply>;
  /** Through the raw endpoint; `path` begins with the function's name. */
  raw(path: string, init?: RequestInit): Promise<Reply>;
  /**
   * The same while the neighbour is called. Prints the neighbour's latency before and during the call, and the call's
   * answer.
   *
   * @param deadlineMs when the call must end, if it does not end by itself
   * @throws Error when a call of the neighbour failed or was unreasonably slow, or the attack was stopped late
   */
  attack(path: string, deadlineMs?: number): Promise<Reply>;
  /** The same through the JSON endpoint. */
  attackCall(name: string, args: unknown, deadlineMs?: number): Promise<Reply>;
  /** The value of an agent's metric; 0 when the metric is absent. */
  metric(name: string): Promise<number>;
  /** Polls a metric until it fits. @throws Error after ten seconds */
  untilMetric(name: string, fits: (value: number) => boolean): Promise<number>;
  /** Resolves when the runner's process is gone. @throws Error after ten seconds */
  untilNoRunner(): Promise<void>;
  /** Repeats the call until the function is no longer held back. @throws Error after ten seconds */
  untilServed(path: string): Promise<Reply>;
  /** The runner's process, if there is one. */
  runner(): number | undefined;
  /** Memory of agent and runner, in MiB. */
  residentMb(): number;
  authorization(): string;
  /** Ends everything. @throws Error when the agent did not survive with one tunnel */
  close(): Promise<void>;
};

const patienceMs = 10_000;
/** How late a call may be stopped: 50 ms on an otherwise idle machine. */
const lateMs = 1_000;
/** How slow the neighbour may be while other tests use the processors as well. */
const slowMs = 2_000;

export async function startSite(env: Readonly<Record<string, string>> = {}): Promise<Site> {
  const platform = await startPlatform();
  const agent = await platform.agent('box', env);
  const token = readFileSync(join(platform.folder, 'control-plane/admin-token'), 'utf8').trim();
  const authorization = `Bearer ${token}`;

  const send = async (path: string, init: RequestInit): Promise<Reply> => {
    const start = performance.now();
    const headers = { ...(init.headers as Record<string, string> | undefined), authorization };
    const answer = await fetch(new URL(path, platform.controlPlane.url), { ...init, headers });
    const text = await answer.text();
    const ms = performance.now() - start;
    return { status: answer.status, code: codeIn(text), text, headers: answer.headers, ms };
  };
  const call = (name: string, args: unknown) =>
    send(`/v1/fn/_/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ args }),
    });
  const deploy: Site['deploy'] = async (name, component, manifest = {}) => {
    const fields = { manifest, wait_for_workers: '30000' };
    const { status, body } = await platform.api.upload('POST', '/v1/fn/_', name, component, fields);
    const applied = (body as { data?: { agents?: { applied?: number } } }).data?.agents?.applied;
    if (status !== 201 || applied !== 1) throw new Error(`${name} was not deployed: ${JSON.stringify(body)}`);
  };
  const raw: Site['raw'] = (path, init = {}) => send(`/function/${path}`, init);
  const residentMb = () =>
    [agent.pid, ...findChildren(agent.pid)].reduce((sum, pid) => sum + statusField(pid, 'VmRSS'), 0) / 1024;
  const metric = async (name: string) => {
    const { body } = await platform.api.call('GET', '/metrics/agents/box');
    const line = String(body)
      .split('\n')
      .find((text) => text.startsWith(`${name} `));
    return Number(line?.split(' ')[1] ?? 0);
  };

  const watched = async (name: string, work: () => Promise<Reply>, deadlineMs: number | undefined) => {
    const { result, p99, calls, failures } = await neighbour.during(work);
    const late = deadlineMs === undefined ? 0 : result.ms - deadlineMs;
    const told = [
      `${name}: ${result.code ?? result.status} after ${result.ms.toFixed(0)} ms`,
      ...(deadlineMs === undefined ? [] : [`${late.toFixed(0)} ms late`]),
      `neighbour's p99 ${neighbour.p99Before.toFixed(1)} ms before, ${p99.toFixed(1)} ms during (${calls} calls)`,
      `memory ${residentMb().toFixed(0)} MiB`,
    ];
    console.log(told.join('; '));
    if (late > lateMs) throw new Error(`stopped ${late.toFixed(0)} ms after its deadline`);
    if (failures.length > 0) throw new Error(`the neighbour failed: ${failures.join(', ')}`);
    if (p99 > slowMs) throw new Error(`the neighbour took ${p99.toFixed(0)} ms`);
    return result;
  };

  await deploy('healthy', handlerComponent());
  const neighbour = createNeighbour(async () => (await call('healthy', { work: 1_000 })).code);
  await neighbour.settled();

  return {
    platform,
    agent,
    neighbour,
    deploy,
    call,
    raw,
    attack: (path, deadlineMs) => watched(path, () => raw(path), deadlineMs),
    attackCall: (name, args, deadlineMs) =>
      watched(`${name} ${JSON.stringify(args)}`, () => call(name, args), deadlineMs),
    metric,
    async untilMetric(name, fits) {
      for (const end = performance.now() + patienceMs; ; ) {
        const value = await metric(name);
        if (fits(value)) return value;
        if (performance.now() > end) throw new Error(`${name} stays at ${value}`);
      }
    },
    async untilNoRunner() {
      for (const end = performance.now() + patienceMs; findChildren(agent.pid).length > 0; ) {
        if (performance.now() > end) throw new Error('the runner is still there');
        await metric('skerry_agent_runner_threads');
      }
    },
    async untilServed(path) {
      for (const end = performance.now() + patienceMs; ; ) {
        const reply = await raw(path);
        if (reply.code !== 'function_held_back') return reply;
        if (performance.now() > end) throw new Error(`${path} is still held back`);
      }
    },
    runner: () => findChildren(agent.pid)[0],
    residentMb,
    authorization: () => authorization,
    async close() {
      await neighbour.stop();
      const tunnels = agent.lines.filter((line) => line.msg === 'tunnel up').length;
      const gone = agent.child.exitCode ?? agent.child.signalCode;
      await platform.stop();
      if (gone !== null || tunnels !== 1) throw new Error(`the agent: ended ${gone}, ${tunnels} tunnels`);
    },
  };
}

/** The code of an error in the API's envelope. */
function codeIn(text: string): string | undefined {
  try {
    const body = JSON.parse(text) as { errors?: { code?: string } } | null;
    return body?.errors?.code;
  } catch {
    return undefined;
  }
}
