/**
 * Starts a control plane and one agent on this machine, as two child processes.
 *
 * Both get their settings only from `skerry up`, not from SKERRY_ or DATABASE_ names in the environment: a platform
 * for trying things out must not write into a database that is in use.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentSummary, JoinToken } from '../api/answers.ts';
import { apiPath, type Client, createClient } from '../api/client.ts';
import { serverFile } from '../api/connection.ts';
import { CliFailure } from '../terminal/failure.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { type Child, startChild } from './child.ts';
import { toEnvironment } from './process.ts';
import { until } from './until.ts';

export type Place = { readonly data: string; readonly host: string; readonly port: number; readonly agentName: string };

/** The first start makes a database, which takes seconds, and much longer on a small or busy machine. */
const readyTimeoutMs = 120_000;
const onlineTimeoutMs = 30_000;
const joinTokenSeconds = 600;

/** The URL of the control plane on this machine, also when it listens on all addresses. */
export function serverUrl({ host, port }: Place): string {
  if (host === '0.0.0.0' || host === '::') return `http://127.0.0.1:${port}`;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Starts the control plane. Calls `started` with the child at once. Resolves when the control plane is ready. */
export async function startControlPlane(
  terminal: Terminal,
  place: Place,
  signal: AbortSignal,
  started: (child: Child) => void,
): Promise<Client> {
  const data = join(place.data, 'control-plane');
  const child = await startChild({
    title: 'control plane',
    entryPoint: '@skerry/control-plane/main.ts',
    env: toEnvironment(withoutSettings(terminal.env), {
      PORT: String(place.port),
      SKERRY_HOST: place.host,
      SKERRY_DATA: data,
    }),
    logFile: await logFile(place, 'control-plane'),
  });
  started(child);
  const server = serverUrl(place);
  const ready = async () => ((await fetch(new URL('/readyz', server), { signal })).ok ? true : undefined);
  await until(ready, { what: 'the control plane to be ready', child, timeoutMs: readyTimeoutMs, signal });
  await writeFile(join(place.data, serverFile), `${server}\n`);
  return createClient({ server, token: await adminToken(join(data, 'admin-token')) });
}

/** The control plane removes the file when the subject `admin` is deleted (docs/API.md). @throws CliFailure */
async function adminToken(file: string): Promise<string> {
  const token = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (token !== '') return token;
  throw new CliFailure(
    'failed',
    `there is no admin token in ${file}; write the token of an admin of this platform into it`,
  );
}

/**
 * Starts the agent with a new join token, which it needs only at first contact. Calls `started` with the child at once.
 * Resolves when the control plane sees the agent online and the token is deleted.
 */
export async function startAgent(
  terminal: Terminal,
  place: Place,
  client: Client,
  signal: AbortSignal,
  started: (child: Child) => void,
): Promise<void> {
  const { data: join_ } = await client.request<JoinToken>('POST', apiPath('agents', 'tokens'), {
    json: { uses: 1, expires_in_seconds: joinTokenSeconds },
  });
  const child = await startChild({
    title: 'agent',
    entryPoint: '@skerry/edge-agent/main.ts',
    env: toEnvironment(withoutSettings(terminal.env), {
      SKERRY_SERVER: client.server,
      SKERRY_JOIN_TOKEN: join_.token,
      SKERRY_DATA: join(place.data, 'agent'),
      SKERRY_NAME: place.agentName,
    }),
    logFile: await logFile(place, 'agent'),
  });
  started(child);
  const online = async () => {
    const agents = await client.get<AgentSummary[]>(apiPath('agents'));
    return agents.find((agent) => agent.name === place.agentName && agent.online);
  };
  await until(online, { what: 'the agent to be online', child, timeoutMs: onlineTimeoutMs, signal });
  await client.request('DELETE', apiPath('agents', 'tokens', join_.id));
}

async function logFile({ data }: Place, name: string): Promise<string> {
  const directory = join(data, 'logs');
  await mkdir(directory, { recursive: true });
  return join(directory, `${name}.log`);
}

function withoutSettings(env: Terminal['env']): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => name === 'SKERRY_LOG_LEVEL' || !/^(SKERRY_|DATABASE_|NEON_)/.test(name)),
  );
}
