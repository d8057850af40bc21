/** Stand-ins for the parts behind the REST side: preparing, tunnels, invocation. */

import { SkerryError } from '@skerry/shared/errors.ts';
import { computeDigest } from '@skerry/shared/function/bundle.ts';
import type { InvocationOutcome, InvocationRequest, Invoker } from '../invoke/invoker.ts';
import type { Preparer } from '../prepare/preparer.ts';
import type { Hub, Rollout } from '../tunnel/hub.ts';
import type { FunctionLogs } from '../tunnel/logs.ts';

/** Accepts everything that begins with "wasm"; counts its calls. */
export function createFakePreparer(): Preparer & { prepared: number } {
  return {
    prepared: 0,
    async prepare(component, { memoryBytes }) {
      this.prepared += 1;
      const text = Buffer.from(component).toString('latin1');
      if (!text.startsWith('wasm'))
        throw new SkerryError('component_rejected', 'not wasm: the magic number is missing');
      const bundle = Buffer.from(`bundle of ${computeDigest(component)} with ${memoryBytes}`);
      return {
        componentDigest: computeDigest(component),
        bundleDigest: computeDigest(bundle),
        bundle,
        world: 'skerry:function/handler',
        imports: ['wasi:cli/environment@0.2.3'],
        size: component.byteLength,
        initialMemoryBytes: 131_072,
      };
    },
    async close() {},
  };
}

export type FakeHub = Hub & {
  rolloutAnswer: Rollout;
  rollouts: { functionId: string | undefined; version: number; waitMs: number }[];
  revoked: string[];
  held: ReturnType<Hub['functionAgents']>;
  states: Map<string, ReturnType<Hub['state']>>;
  logsAnswer: FunctionLogs;
  asked: { functionId: string; limit: number }[];
  triggers: ReturnType<Hub['triggerStates']>;
};

/** Has no agents unless the test puts some in. */
export function createFakeHub(): FakeHub {
  return {
    rolloutAnswer: { agents: 0, applied: 0, failed: [] },
    rollouts: [],
    revoked: [],
    held: [],
    states: new Map(),
    logsAnswer: { lines: [], missing: [] },
    asked: [],
    triggers: [],
    online: 0,
    connected: () => [],
    state(agentId) {
      return this.states.get(agentId);
    },
    functionAgents() {
      return this.held;
    },
    async rollout(functionId, version, waitMs) {
      this.rollouts.push({ functionId, version, waitMs });
      return this.rolloutAnswer;
    },
    revoke(agentId) {
      this.revoked.push(agentId);
    },
    eligible: () => [],
    triggerStates(triggerId) {
      return this.triggers.filter(({ state }) => state.id === triggerId);
    },
    async logs(functionId, limit) {
      this.asked.push({ functionId, limit });
      return this.logsAnswer;
    },
    scrape: () => Promise.reject(new SkerryError('agent_unreachable', 'no tunnel')),
    handleUpgrade: (_request, socket) => socket.destroy(),
    async close() {},
  };
}

export type FakeInvoker = Invoker & {
  /** The behaviour of the next calls; echoes the input by default. */
  behave: (invocation: InvocationRequest) => Promise<Uint8Array>;
  /** Whether any agent can run anything. */
  reachable: boolean;
  last: InvocationRequest | undefined;
};

export function createFakeInvoker(): FakeInvoker {
  return {
    behave: async (invocation) => invocation.input,
    reachable: true,
    reaches() {
      return this.reachable;
    },
    last: undefined,
    async invoke(invocation): Promise<InvocationOutcome> {
      this.last = invocation;
      const output = await this.behave(invocation);
      const { revision } = invocation.function;
      return { id: 'invocation-1', agent: 'pi', revision, output, durationUs: 1234, cold: true };
    },
  };
}
