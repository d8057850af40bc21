/**
 * The control plane and one agent. Each can be stopped, and started again on its data. The `skerry` command starts both,
 * with only the settings of this run, not those of the environment.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Child, Children } from './children.ts';
import { freePort } from './port.ts';
import { runSkerry, skerryMain } from './skerry.ts';
import { until } from './until.ts';

export const agentName = 'device';

export type Platform = {
  readonly server: string;
  readonly controlPlane: Switch;
  readonly device: Switch;
  /** The `data` of an answer of the API. Rejects without an answer, or at the time limit. */
  api<Data>(method: string, path: string, json?: unknown): Promise<Data>;
  /** Runs `skerry` with these arguments against this control plane. @throws Error with its output */
  skerry(...args: string[]): Promise<void>;
  /** Value of a metric of the agent, read on the device itself. Undefined while the agent does not answer. */
  metric(name: string): Promise<number | undefined>;
};

/** A part that the person at the keyboard turns off and on. */
export type Switch = {
  readonly on: boolean;
  /** Resolves when it is ready. */
  start(): Promise<void>;
  /** The control plane shuts down in order. The device loses its power. */
  stop(): Promise<void>;
};

/** The first start makes a database, which takes long on a small or busy machine. */
const readyTimeoutMs = 120_000;
const onlineTimeoutMs = 30_000;
const requestTimeoutMs = 10_000;
const metricsTimeoutMs = 2_000;

type PlatformOptions = {
  readonly data: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
};

export async function createPlatform(children: Children, { data, env, signal }: PlatformOptions): Promise<Platform> {
  const port = await freePort(Math.random);
  const metricsPort = await freePort(Math.random);
  const server = `http://127.0.0.1:${port}`;
  const directory = join(data, 'control-plane');
  const run = (name: string, args: readonly string[], settings: Readonly<Record<string, string>>) =>
    children.start({ name, command: process.execPath, args: [skerryMain, ...args], env: { ...env, ...settings } });
  const within = (ms: number) => ({ signal: AbortSignal.any([signal, AbortSignal.timeout(ms)]) });
  const token = () => readFileSync(join(directory, 'admin-token'), 'utf8').trim();

  const api = async <Data>(method: string, path: string, json?: unknown): Promise<Data> => {
    const response = await fetch(new URL(path, server), {
      method,
      headers: { authorization: `Bearer ${token()}`, 'content-type': 'application/json' },
      ...(json !== undefined && { body: JSON.stringify(json) }),
      ...within(requestTimeoutMs),
    });
    const body = (await response.json()) as { data: Data; errors?: { detail: string } };
    if (!response.ok) throw new Error(body.errors?.detail ?? `the API answered ${response.status}`);
    return body.data;
  };

  const metrics = async () => {
    const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`, within(metricsTimeoutMs));
    return response.text();
  };
  const metric = async (name: string) => {
    const text = await metrics().catch(() => '');
    const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
    return value === undefined ? undefined : Number(value);
  };

  const controlPlane = createSwitch('gently', async () => {
    const child = await run('control-plane', ['control-plane', '--port', String(port), '--data', directory], {
      // The delay until the state of triggers is visible.
      SKERRY_STATUS_INTERVAL_MS: '1000',
    });
    const ready = async () =>
      (await fetch(new URL('/readyz', server), within(requestTimeoutMs))).ok ? true : undefined;
    await until(ready, { what: 'the control plane to be ready', timeoutMs: readyTimeoutMs, signal });
    return child;
  });

  const device = createSwitch('at once', async () => {
    const joinToken = controlPlane.on
      ? (await api<{ token: string }>('POST', '/v1/agents/tokens', { expires_in_seconds: 600 })).token
      : '';
    const child = await run(
      'agent',
      ['agent', '--server', server, '--data', join(data, 'agent'), '--name', agentName],
      {
        SKERRY_JOIN_TOKEN: joinToken,
        SKERRY_METRICS_PORT: String(metricsPort),
      },
    );
    const up = async () => {
      const tunnel = await metric('skerry_agent_tunnel_up');
      return tunnel === 1 || (tunnel === 0 && !controlPlane.on) ? true : undefined;
    };
    const what = controlPlane.on ? 'the agent to reach the control plane' : 'the agent to start';
    await until(up, { what, timeoutMs: onlineTimeoutMs, signal });
    return child;
  });

  return {
    server,
    controlPlane,
    device,
    api,
    metric,
    skerry: (...args) => runSkerry(args, { env: { ...env, SKERRY_SERVER: server, SKERRY_TOKEN: token() }, signal }),
  };
}

function createSwitch(how: 'gently' | 'at once', start: () => Promise<Child>): Switch {
  let child: Child | undefined;
  return {
    get on() {
      return child?.running ?? false;
    },
    async start() {
      child = await start();
    },
    async stop() {
      await child?.stop(how);
    },
  };
}
