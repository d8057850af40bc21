/** A client of the raw endpoint and the agent behind it, both driven by hand. */
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http';
import type { ManifestInput } from '@skerry/shared/function/manifest.ts';
import { startHub, type TestHub } from './hub.ts';
import { type InvokeEndpoints, startDoors } from './invoke-endpoints.ts';
import { connectGreeted, type RawAgent } from './raw-agent.ts';

/** The fields of an outcome besides its result. */
export const outcomeFacts = {
  memoryAvailable: 2 ** 30,
  running: 0,
  revision: 1,
  durationUs: 5,
  cold: false,
} as const;

export type Web = {
  readonly hub: TestHub;
  readonly doors: InvokeEndpoints;
  /** Deploys the HTTP function `web`, and connects an agent named `box`. */
  agent(manifest?: ManifestInput): Promise<RawAgent>;
  /** Begins a request. Errors of its connection belong to the code that waits for the answer. */
  open(path: string, options?: RequestOptions): ClientRequest;
  close(): Promise<void>;
};

export async function startWeb(): Promise<Web> {
  const hub = await startHub();
  const doors = await startDoors(hub);
  return {
    hub,
    doors,
    agent(manifest = {}) {
      const limits = { timeout_ms: 5_000, ...manifest?.limits };
      hub.deploy('web', Buffer.from('b'), { ...manifest, limits }, 'wasi:http/incoming-handler');
      return connectGreeted(hub.url, { name: 'box' });
    },
    open(path, { headers, ...options } = {}) {
      const url = new URL(path, doors.url);
      const sent = request(url, { agent: false, ...options, headers: { authorization: 'Bearer t', ...headers } });
      sent.on('error', () => undefined);
      return sent;
    },
    async close() {
      await doors.close();
      await hub.close();
    },
  };
}

export async function answerTo(sent: ClientRequest): Promise<IncomingMessage> {
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  answer.on('error', () => undefined);
  return answer;
}

/** Answers with head and body in one frame. */
export function answerWhole(
  agent: RawAgent,
  id: string,
  status = 200,
  headers: [string, string][] = [],
  body = '',
): void {
  const output = Buffer.from(body);
  agent.send({ kind: 'accepted', id });
  agent.send({ kind: 'outcome', id, result: { ok: true, output }, head: { status, headers }, ...outcomeFacts });
}

/** The outcome of an answer that came in parts. */
export function endAnswer(agent: RawAgent, id: string): void {
  agent.send({ kind: 'outcome', id, result: { ok: true, output: new Uint8Array(0) }, ...outcomeFacts });
}

/** A round trip: everything that was sent before has been taken. */
export async function settled(agent: RawAgent): Promise<void> {
  agent.send({ kind: 'ping', n: 1 });
  await agent.next('pong');
}
