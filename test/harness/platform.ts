/** The whole platform as real processes on free ports: a control plane, and agents that join it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Api, createApi } from './api.ts';
import { startProcess, type Watched } from './process.ts';

const controlPlaneMain = new URL(import.meta.resolve('@skerry/control-plane/main.ts'));
/** The script of an agent that runs from its sources. */
export const agentMain = new URL(import.meta.resolve('@skerry/edge-agent/main.ts'));

type Environment = Readonly<Record<string, string | undefined>>;

type TestControlPlane = Watched & { readonly api: Api; readonly url: URL };
export type TestAgent = Watched & { readonly name: string };

export type Platform = {
  readonly folder: string;
  readonly api: Api;
  readonly controlPlane: TestControlPlane;
  /** Starts an agent, or restarts it on the same data. Resolves when its tunnel is up. */
  agent(name: string, env?: Environment): Promise<TestAgent>;
  /** Ends the control plane and starts it again on the same data and port. */
  restartControlPlane(signal?: NodeJS.Signals): Promise<void>;
  /** A new join token. */
  joinToken(uses?: number): Promise<string>;
  stop(): Promise<void>;
};

/** Settings that make failures appear within a test's patience. */
const quick: Environment = {
  SKERRY_PING_INTERVAL_MS: '500',
  SKERRY_STATUS_INTERVAL_MS: '500',
  SKERRY_SCRAPE_INTERVAL_MS: '500',
  SKERRY_CATALOG_POLL_MS: '300',
};

/** @param agentScript absent: the agent runs from its sources */
export async function startPlatform(env: Environment = {}, agentScript: URL = agentMain): Promise<Platform> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-test-'));
  const agents = new Map<string, TestAgent>();
  const settings: Environment = { ...quick, SKERRY_DATA: join(folder, 'control-plane'), ...env };
  let controlPlane = await startControlPlane({ PORT: '0', ...settings });

  const platform: Platform = {
    folder,
    get controlPlane() {
      return controlPlane;
    },
    get api() {
      return controlPlane.api;
    },
    async joinToken(uses = 1) {
      const { status, body } = await controlPlane.api.call('POST', '/v1/agents/tokens', { uses });
      if (status !== 201) throw new Error(`no join token: ${JSON.stringify(body)}`);
      return (body as { data: { token: string } }).data.token;
    },
    async agent(name, agentEnv = {}) {
      const known = agents.has(name);
      const agent = startProcess(agentScript, {
        SKERRY_SERVER: controlPlane.url.href,
        SKERRY_DATA: join(folder, name),
        SKERRY_NAME: name,
        SKERRY_JOIN_TOKEN: known ? undefined : await platform.joinToken(),
        SKERRY_THREADS: '2',
        ...agentEnv,
      });
      const named: TestAgent = { ...agent, name };
      agents.set(name, named);
      await agent.line((line) => line.msg === 'tunnel up');
      return named;
    },
    async restartControlPlane(signal = 'SIGTERM') {
      const { port } = controlPlane.url;
      await controlPlane.stop(signal);
      controlPlane = await startControlPlane({ ...settings, PORT: port });
    },
    async stop() {
      await Promise.all([...agents.values()].map((agent) => agent.stop()));
      await controlPlane.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return platform;
}

async function startControlPlane(env: Environment): Promise<TestControlPlane> {
  const watched = startProcess(controlPlaneMain, env);
  const { port } = await watched.line((line) => line.msg === 'listening');
  const url = new URL(`http://127.0.0.1:${port}`);
  const token = env.SKERRY_ADMIN_TOKEN ?? readFileSync(join(env.SKERRY_DATA ?? '', 'admin-token'), 'utf8').trim();
  return { ...watched, url, api: createApi(url, token) };
}
