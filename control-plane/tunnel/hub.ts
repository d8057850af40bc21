/**
 * All connected agents, the functions that each must hold, and the agents that may take a call.
 *
 * Invariants: one session per agent, the one with the highest epoch. A replaced session cannot remove its successor. A
 * catalog change reaches every session whose list it changes, and no other.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ErrorCode, SkerryError } from '@skerry/shared/errors.ts';
import { type Labels, labelsMatch } from '@skerry/shared/function/names.ts';
import type { ReadyTrigger, TriggerState } from '@skerry/shared/function/triggers.ts';
import type { OutboxState, RecordedOutcome } from '@skerry/shared/tunnel/protocol.ts';
import type { Logger } from 'pino';
import type { AgentService } from '../agents/agents.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { BundleReader } from '../functions/bundles.ts';
import type { CatalogFunction } from '../model/catalog-function.ts';
import { type Admitted, createUpgrade, type UpgradeOptions } from './connect/upgrade.ts';
import { createDesiredLists } from './desired.ts';
import { type FunctionLogs, gatherLogs } from './logs.ts';
import { createRollouts } from './rollout.ts';
import { createSession, type Session } from './session.ts';

/** A connected agent in the API. Memory in bytes. */
export type AgentState = {
  id: string;
  online: boolean;
  onlineSince: Date;
  version: string;
  memoryAvailable?: number | undefined;
  memoryTotal?: number | undefined;
  running?: number | undefined;
  /** Generation that the agent should have, and the one that it last reported as applied. */
  desired: number;
  applied: number;
  draining: boolean;
  /** State of its outbox; absent before its first event. */
  outbox?: OutboxState | undefined;
};

/** Progress of a change among the connected agents concerned. */
export type Rollout = {
  agents: number;
  applied: number;
  /** Agents (by name) that could not apply it. */
  failed: { agent: string; code: ErrorCode; message: string }[];
};

/** State of a function on one connected agent that must hold it. */
export type ConnectedFunctionAgent = {
  readonly id: string;
  readonly name: string;
  /** Whether the current revision is ready there. */
  readonly holds: boolean;
  /** Why it could not apply the current revision. */
  readonly error?: string;
  /** Milliseconds for which the agent holds the function back, because it ended its runner several times. */
  readonly heldForMs?: number;
};

export type Hub = {
  /** Undefined for an agent without a tunnel. */
  state(agentId: string): AgentState | undefined;
  /** Number of tunnels. */
  readonly online: number;
  /** Connected agents. */
  connected(): { id: string; name: string; labels: Labels }[];
  /** The connected agents that must hold the function. */
  functionAgents(fn: Pick<CatalogFunction, 'id' | 'since'>): ConnectedFunctionAgent[];
  /**
   * Resolves when every connected agent concerned has applied the catalog's `version`, or after `waitMs`.
   * Without a function (it was deleted), all agents whose desired state changed with that version are concerned.
   */
  rollout(functionId: string | undefined, version: number, waitMs: number): Promise<Rollout>;
  /** Sessions that may take a call of this function: placed there, not draining, and able to run its world. */
  eligible(fn: CatalogFunction): Session[];
  /** State of a trigger on each connected agent that listens to it, as last reported. */
  triggerStates(triggerId: string): { readonly agent: string; readonly state: TriggerState }[];
  /** The agent's Prometheus text, fetched now through its tunnel. Rejects with `agent_unreachable`. */
  scrape(agentId: string): Promise<string>;
  /** The last lines of a function, from all connected agents that hold it. Never rejects. */
  logs(functionId: string, limit: number): Promise<FunctionLogs>;
  /** Ends the tunnel of a revoked agent. */
  revoke(agentId: string): void;
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Refuses new tunnels, asks the agents to reconnect later, and closes all. Idempotent. */
  close(): Promise<void>;
};

export type HubOptions = Omit<UpgradeOptions, 'onAdmitted' | 'agents'> & {
  readonly catalog: Catalog;
  readonly bundles: Pick<BundleReader, 'read'>;
  readonly agents: Pick<AgentService, 'admit' | 'seen'>;
  readonly log: Logger;
  readonly pingIntervalMs: number;
  readonly statusIntervalMs: number;
  readonly scrapeIntervalMs: number;
  readonly now?: () => Date;
  /** The triggers of a function that its agents listen to, with their credentials. */
  readonly edgeTriggers: (fn: CatalogFunction) => readonly ReadyTrigger[];
  /** Stores outcomes of events from an agent; they are on disk when it resolves. */
  readonly record: (agent: string, outcomes: readonly RecordedOutcome[]) => Promise<void>;
};

/**
 * Milliseconds that agents must wait before they reconnect when the control plane stops; they add their jitter to it.
 */
const drainRetryAfterMs = 250;

export function createHub(options: HubOptions): Hub {
  const { catalog, bundles, agents, log, now = () => new Date() } = options;
  const sessions = new Map<string, Session>();
  const lists = createDesiredLists(catalog, options.edgeTriggers, log);
  const rollouts = createRollouts();

  const onAdmitted = ({ socket, hello, admission, protocolVersion }: Admitted) => {
    const older = sessions.get(admission.agentId);
    if (older && older.epoch > admission.epoch) return 'superseded' as const;
    const session = createSession({
      socket,
      identity: {
        agentId: admission.agentId,
        name: admission.name,
        labels: admission.labels,
        epoch: admission.epoch,
        agentVersion: hello.agentVersion,
        protocolVersion,
        since: now(),
      },
      first: lists.forAgent({ labels: admission.labels, protocolVersion }),
      load: { memoryAvailable: hello.memoryAvailable, memoryTotal: hello.memoryTotal, running: hello.running },
      bundles,
      pingIntervalMs: options.pingIntervalMs,
      statusIntervalMs: options.statusIntervalMs,
      scrapeIntervalMs: options.scrapeIntervalMs,
      now,
      events: {
        record: (outcomes) => options.record(admission.name, outcomes),
        // An unknown function may have such a sink.
        inOrder: (outcomes) =>
          outcomes.some((one) => catalog.byId(one.function)?.sinks.some(({ spec }) => spec.params.ordered) ?? true),
        onProgress(ready) {
          rollouts.progress(ready, false);
          agents.seen(ready.agentId, ready.applied);
        },
        onClose(gone, reason) {
          if (sessions.get(gone.agentId) === gone) sessions.delete(gone.agentId);
          rollouts.progress(gone, true);
          agents.seen(gone.agentId, gone.applied);
          log.info({ agent: gone.name, epoch: gone.epoch, reason }, 'tunnel down');
        },
      },
    });
    sessions.set(admission.agentId, session);
    older?.close('superseded');
    log.info({ agent: admission.name, epoch: admission.epoch, version: hello.agentVersion }, 'tunnel up');
    return undefined;
  };

  const upgrade = createUpgrade({ ...options, onAdmitted });

  const unsubscribe = catalog.onChange(() => {
    for (const session of sessions.values()) session.assign(lists.forAgent(session));
    lists.keepOnly(sessions.values());
  });

  const concerned = (functionId: string | undefined, version: number) =>
    [...sessions.values()].filter((session) =>
      functionId === undefined ? session.desired.generation === version : session.desired.ids.has(functionId),
    );

  const needSession = (agentId: string): Session => {
    const session = sessions.get(agentId);
    if (!session) throw new SkerryError('agent_unreachable', 'the agent has no tunnel now');
    return session;
  };

  return {
    state(agentId) {
      const session = sessions.get(agentId);
      return session && stateOf(session);
    },
    get online() {
      return sessions.size;
    },
    connected: () => [...sessions.values()].map(({ agentId, name, labels }) => ({ id: agentId, name, labels })),
    functionAgents: (fn) =>
      concerned(fn.id, catalog.version).map((session) => {
        const error = session.failure(fn.id)?.message;
        const heldForMs = session.heldForMs(fn.id);
        return {
          id: session.agentId,
          name: session.name,
          holds: session.holds(fn),
          ...(error && { error }),
          ...(heldForMs !== undefined && { heldForMs }),
        };
      }),
    async rollout(functionId, version, waitMs) {
      // The change is stored, but could not be read again: no agent has learned of it yet.
      if (catalog.version < version) return { agents: sessions.size, applied: 0, failed: [] };
      const before = concerned(functionId, version);
      const targets = new Map(before.map((session) => [session, session.desired.generation]));
      await rollouts.wait(before, waitMs);
      const failed: Rollout['failed'] = [];
      let applied = 0;
      for (const [session, target] of targets) {
        const failure = functionId === undefined ? undefined : session.failure(functionId);
        if (failure) failed.push({ agent: session.name, code: failure.code, message: failure.message });
        else if (session.applied >= target) applied += 1;
      }
      return { agents: targets.size, applied, failed };
    },
    eligible(fn) {
      const found: Session[] = [];
      for (const session of sessions.values()) {
        if (!session.draining && labelsMatch(fn.manifest.placement.labels, session.labels)) found.push(session);
      }
      return found;
    },
    triggerStates: (triggerId) =>
      [...sessions.values()].flatMap(({ name: agent, triggers }) =>
        triggers.filter(({ id }) => id === triggerId).map((state) => ({ agent, state })),
      ),
    scrape: async (agentId) => needSession(agentId).scrape(),
    logs: (functionId, limit) => gatherLogs(concerned(functionId, catalog.version), functionId, limit),
    revoke: (agentId) => sessions.get(agentId)?.close('revoked'),
    handleUpgrade: upgrade.handle,
    async close() {
      unsubscribe();
      upgrade.close();
      for (const session of sessions.values()) session.drain(drainRetryAfterMs);
    },
  };
}

function stateOf(session: Session): AgentState {
  return {
    id: session.agentId,
    online: true,
    onlineSince: session.since,
    version: session.agentVersion,
    memoryAvailable: session.load.memoryAvailable,
    memoryTotal: session.load.memoryTotal,
    running: session.load.running,
    desired: session.desired.generation,
    applied: session.applied,
    draining: session.draining,
    outbox: session.outbox,
  };
}
